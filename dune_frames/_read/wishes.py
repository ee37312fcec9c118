"""Wishes: what to ask Dune for so that a predicate decides there, and what if Dune refuses that.

An engine (polars, Spark) hands a predicate over and applies it once more to the rows that come, so
that whatever a server makes of a wish, it can only cost bytes.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from dune_frames._predicate.filters import both, split
from dune_frames._run.pin import Pinned

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from dune_frames._predicate.algebra import Predicate
    from dune_frames._read.options import Reading
    from dune_frames._read.read import Read
    from dune_frames._run.source import Source

    #: Makes the call for a reading, with connections, a deadline and the cache.
    Start: TypeAlias = Callable[[Reading], Read]

logger = logging.getLogger("dune_frames")

#: An offset behind every result: what is asked for from there on comes without rows.
BEHIND_ALL = 2**31 - 1


def pin_without_rows(start: Start, reading: Reading, source: Source) -> Pinned:
    """Pin one execution of a source without exporting a row."""
    no_rows = replace(
        reading, columns=None, filters=None, sort_by=None, sample_count=None,
        limit=1, offset=BEHIND_ALL,
    )  # fmt: skip
    return Pinned(start(no_rows).pin(source).status)


def counts_rows(reading: Reading) -> bool:
    """Tell whether a reading counts rows: it does so before an engine's predicate is applied."""
    return (reading.limit, reading.offset, reading.sample_count) != (None, None, None)


def filtered(plain: Reading, predicate: Predicate, schema: pa.Schema) -> list[Reading]:
    """Return readings that ask for the rows of a predicate, the narrowest first.

    Parameters
    ----------
    plain : Reading
        What is asked for without the predicate; it counts no rows.
    predicate : Predicate
        What the engine filters by.
    schema : pyarrow.Schema
        Of the result, as `result_schema` makes it.
    """
    said = split(predicate, schema)
    logger.info("filtered on this machine alone: %s", said.residual or "nothing")
    filters = dict.fromkeys(text for text in (said.filters, said.documented) if text)
    return [_with_filters(plain, text) for text in filters]


def _with_filters(reading: Reading, text: str) -> Reading:
    given = f"({reading.filters})" if reading.filters else None
    return replace(reading, filters=both((text, given)))
