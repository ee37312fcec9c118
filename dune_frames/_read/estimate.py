"""What an export would cost, from the free status of an execution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames._facts import Fact, ShowsFacts
from dune_frames.errors import ExportTooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._download.plan import Plan
    from dune_frames._wire.answers import Status

#: Credits for a megabyte exported, by plan, as Dune published them in January 2026.
CREDITS_PER_MEGABYTE = {"free": 20.0, "analyst": 10.0, "plus": 2.0}
_MEGABYTE = 1_000_000
#: From here on three digits would be written with a power of ten.
_LARGE = 999.5


@dataclass(frozen=True, slots=True, repr=False)
class Estimate(ShowsFacts):
    """What exporting a result would take. An estimate: Dune does not say how it counts bytes.

    Attributes
    ----------
    rows : int or None
        How many rows the result has.
    megabytes : float or None
        Its size in units of 10^6 bytes, as the metadata tell it.
    credits : dict of str to float
        What exporting it once would cost, by plan.
    basis : str
        What the figures rest on.
    """

    rows: int | None
    megabytes: float | None
    credits: dict[str, float]
    basis: str

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        yield "rows", self.rows
        yield "size", None if self.megabytes is None else f"{self.megabytes:,.2f} MB"
        for plan, price in self.credits.items():
            yield f"credits ({plan})", price
        yield "basis", self.basis

    def __str__(self) -> str:
        """Say it in one line."""
        if self.megabytes is None:
            return f"size not told ({self.basis})"
        rows = "an unknown number of" if self.rows is None else f"about {self.rows:,}"
        prices = ", ".join(f"{name} {_figure(price)}" for name, price in self.credits.items())
        return f"{rows} rows, {_figure(self.megabytes)} MB; credits: {prices} ({self.basis})"


def _figure(value: float) -> str:
    """Return a figure in three digits, and a large one in all that it has."""
    return f"{value:.3g}" if value < _LARGE else f"{value:,.0f}"


def estimate(status: Status) -> Estimate:
    """Return what exporting the whole result of an execution would take."""
    metadata = status.metadata
    size = metadata.total_result_set_bytes if metadata else None
    if metadata is None or size is None:
        return Estimate(None, None, {}, f"the status of {status.execution_id} tells no size")
    megabytes = size / _MEGABYTE
    prices = {plan: megabytes * price for plan, price in CREDITS_PER_MEGABYTE.items()}
    basis = "estimated from total_result_set_bytes at the prices of January 2026"
    return Estimate(metadata.total_row_count, megabytes, prices, basis)


def refuse_large(status: Status, plan: Plan, allowed: float | None) -> None:
    """Raise when a plan is estimated to export more megabytes than allowed.

    The size of the whole result is scaled by the share of rows and of columns that are wanted. What
    a filter or a sample lets through is not known before, so those are not refused here.
    """
    if allowed is None or plan.row_bytes is None or plan.rows is None:
        return
    megabytes = plan.rows * plan.row_bytes / _MEGABYTE
    if megabytes > allowed:
        raise ExportTooLargeError(
            f"the export is estimated at {megabytes:.3g} MB, more than max_export_mb={allowed:g}",
            execution_id=status.execution_id,
            query_id=status.query_id,
        )
