"""The planning: from a source to the plan of its parts, before any of its rows are exported."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from dune_frames._network.pace import Deadline
from dune_frames._parts.access import Access
from dune_frames._parts.cut import Part, cut, part_rows
from dune_frames._parts.parts import Parts
from dune_frames._read.read import naming
from dune_frames._read.wishes import counts_rows, filtered, pin_without_rows
from dune_frames._run.pin import Pinned
from dune_frames.errors import BadRequestError, InvalidRequestError

if TYPE_CHECKING:
    import os

    from dune_frames._download.download import Download
    from dune_frames._predicate.algebra import Predicate
    from dune_frames._read.calls import Calls
    from dune_frames._read.options import Reading
    from dune_frames._run.source import Source

logger = logging.getLogger("dune_frames")


@dataclass(frozen=True, slots=True)
class Cutting:
    """How a plan is cut and carried out.

    Attributes
    ----------
    rows : int or None
        Rows of a part; `None` takes whole pages of about 64 MB.
    key_file : str, path-like or None
        The file that holds the key wherever a part is read; `None` takes ``DUNE_API_KEY``.
    """

    rows: int | None = None
    key_file: str | os.PathLike[str] | None = None


def plan_parts(calls: Calls, source: Source, reading: Reading, cutting: Cutting) -> Parts:
    """Pin one execution of a source and plan its parts.

    Costs the run where one is needed, and of the result at most one row: the proof that CSV carries
    it, which is asked for here once for all parts.
    """
    if reading.sample_count is not None:
        raise InvalidRequestError(
            "a sample has no parts: Dune gives it in one answer, and another one each time",
            advice="read it with dune_frames.read_dune_execution(..., sample_count=).",
        )
    start = partial(calls.read, "pyarrow", deadline=Deadline(reading.timeout))
    pinned = pin_without_rows(start, reading, source)
    with naming(pinned.status):
        download = start(replace(reading, max_export_mb=None)).download(Pinned(pinned.status))
        rows = part_rows(download.plan.row_bytes, cutting.rows)
        return Parts(
            access=Access.of(calls, cutting.key_file),
            status=pinned.status,
            reading=replace(reading, progress=False),
            csv=_is_csv(download, reading),
            parts=cut(download.plan, rows),
        )


def _is_csv(download: Download, reading: Reading) -> bool:
    """Decide once whether pages come as CSV; where nothing need come, that is no question."""
    return not reading.offline and not download.is_on_disk and download.is_csv()


def narrowed(parts: Parts, predicate: Predicate) -> Parts:
    """Return a plan that exports of the rows of a predicate what Dune can tell exactly.

    The engine still applies the predicate itself. Whether Dune takes the filter is asked here, with
    one row at most, because all parts have to ask for the same; where it finds no row, no part asks
    again.
    """
    call = parts.access.calls().read("pyarrow", replace(parts.reading, max_export_mb=None))
    whole = call.download(Pinned(parts.status))
    if counts_rows(parts.reading) or whole.is_on_disk:
        return parts
    for wish in filtered(parts.reading, predicate, whole.plan.schema):
        one = replace(wish, columns=(whole.plan.schema.names[0],), schema_overrides={})
        try:
            found = Parts.read(replace(parts, reading=one, csv=False), Part(0, 1)).num_rows
        except BadRequestError as refusal:
            logger.warning("Dune refuses filters=%r: %s", wish.filters, refusal.server_text)
            continue
        kept = parts.parts if found else (Part(0, 0),)
        return replace(parts, reading=wish, parts=kept)
    return parts
