"""The report: what was measured as a table, and what it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.bench.rounds import Runs

BARE = "bare download, 8 connections"
FRAMES = ("pandas", "polars", "pyarrow")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One figure and its bound.

    Attributes
    ----------
    bound : float
        Inclusive: the least when `at_least`, else the most.
    """

    what: str
    figure: float
    bound: float
    at_least: bool = False
    unit: str = ""

    @property
    def holds(self) -> bool:
        """Whether the figure keeps its bound."""
        return self.figure >= self.bound if self.at_least else self.figure <= self.bound

    def line(self) -> str:
        """Return it as a line of text."""
        sign = ">=" if self.at_least else "<="
        bound = f"{sign} {self.bound:.2f}{self.unit}"
        return (
            f"{self.what:<58}{self.figure:>9.2f}{self.unit:<3}"
            f"{bound:>12}  {'pass' if self.holds else 'FAIL'}"
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured.

    Attributes
    ----------
    delay : float
        Seconds before each answer, in the slow rounds.
    slow, fast : mapping of str to Runs
        By reader: with that delay, and without any.
    decoding : mapping of str to Runs
        Work on bodies that are already there.
    sinks : mapping of int to Runs
        `sink_parquet`, by rows.
    facts : mapping of str to object
        As `tests.bench.facts` names them.
    """

    delay: float
    slow: Mapping[str, Runs]
    fast: Mapping[str, Runs]
    decoding: Mapping[str, Runs]
    sinks: Mapping[int, Runs]
    facts: Mapping[str, Any]


def table(title: str, runs: Mapping[str, Runs]) -> str:
    """Return the runs of each reader as a table, with its median over that of the bare download."""
    head = f"{title:<36}{'median':>9}{'least':>9}{'most':>9}{'x bare':>8}{'peak MB':>9}"
    bare = runs[BARE].median if BARE in runs else None
    return "\n".join([head, *(_row(name, each, bare) for name, each in runs.items())])


def _row(name: str, runs: Runs, bare: float | None) -> str:
    over = "" if bare is None else f"{runs.median / bare:.2f}"
    times = "".join(f"{s:>7.2f} s" for s in (runs.median, min(runs.seconds), max(runs.seconds)))
    return f"{name:<36}{times}{over:>8}{runs.peak:>9.0f}"


def criteria(measured: Measured) -> list[Criterion]:
    """Return what the figures are held to."""
    return [
        *_with_delay(measured),
        *_without_delay(measured),
        *_json(measured),
        *_sink(measured),
        *_single_calls(measured),
    ]


def _with_delay(measured: Measured) -> Iterable[Criterion]:
    slow = measured.slow
    title = f"{measured.delay:g} s a request: "
    ours = {frame: slow[f"dune_frames, {frame}"].median for frame in FRAMES}
    client, spice = slow["dune-client"].median, slow["dune-spice"].median
    yield Criterion(f"{title}dune-client over pandas", client / ours["pandas"], 6, at_least=True)
    yield Criterion(f"{title}dune-spice over polars", spice / ours["polars"], 8, at_least=True)
    for frame, seconds in ours.items():
        over = seconds / slow[BARE].median
        yield Criterion(f"{title}{frame} over bare download", over, 1.35)


def _without_delay(measured: Measured) -> Iterable[Criterion]:
    fast = measured.fast
    bound = fast[BARE].median + 2 * measured.decoding["pyarrow.csv as strings"].median
    for frame in FRAMES:
        seconds = fast[f"dune_frames, {frame}"].median
        yield Criterion(f"no delay: {frame}; bare + 2 x pyarrow.csv", seconds, bound, unit=" s")


def _json(measured: Measured) -> Iterable[Criterion]:
    decoding = measured.decoding
    plain = decoding["JSON decoding, json + DataFrame"].median
    over = plain / decoding["JSON decoding, dune_frames"].median
    yield Criterion("JSON bodies: json.loads + DataFrame over ours", over, 2, at_least=True)


def _sink(measured: Measured) -> Iterable[Criterion]:
    (less, more) = sorted(measured.sinks)
    peak = {rows: measured.sinks[rows].peak for rows in (less, more)}
    yield Criterion(f"sink_parquet of {more:,} rows: peak", peak[more], 450, unit=" MB")
    yield Criterion(f"sink_parquet: that over {less:,} rows", peak[more] / peak[less], 1.25)


def _single_calls(measured: Measured) -> Iterable[Criterion]:
    facts = measured.facts
    loaded, with_polars = facts["import_loads"], facts["polars_loads"]
    yield Criterion("import dune_frames", facts["import_milliseconds"], 60, unit=" ms")
    yield Criterion(f"heavy libraries it loads {loaded or ''}", len(loaded), 0)
    yield Criterion(f"pandas, after {', '.join(with_polars)}", "pandas" in with_polars, 0)
    yield Criterion("a run of 3 s is noticed late by", facts["seconds_late"], 0.7, unit=" s")
    yield Criterion("requests of a read of 100 rows", facts["few_rows_requests"], 2)
