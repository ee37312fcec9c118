"""Casts of moments: between dates and timestamps, and to fewer digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.sql.types import fraction_digits

if TYPE_CHECKING:
    from dune_frames._types.table import DuneType
    from dune_frames.local.sql.casts.cast import Cast

#: The fractional digits that DuckDB keeps of most moments.
_MICROSECONDS = 6


def to_precision(moment: str, dune: DuneType) -> str:
    """Round a moment to the digits of its type; DuckDB keeps six or nine."""
    precision = fraction_digits(dune)
    if precision >= _MICROSECONDS:
        return moment
    step = 10 ** (_MICROSECONDS - precision)
    micros = f"CAST(round(epoch_us({moment}) / {step}.0) AS BIGINT) * {step}"
    if dune.name == "time":
        return f"CAST(make_timestamp({micros}) AS TIME)"
    made = f"make_timestamp({micros})"
    return f"timezone('UTC', {made})" if dune.name.endswith("zone") else made


def moment_to_moment(cast: Cast) -> str:
    """Go between dates, timestamps, and instants, whose clock here is UTC's."""
    given, wanted = cast.value.type, cast.target
    moment = cast.sql
    if given.name.endswith("zone") and not wanted.name.endswith("zone"):
        moment = f"timezone('UTC', {moment})"
    if wanted.name == "date":
        return f"CAST({moment} AS DATE)"
    if given.name == "date":
        moment = f"CAST({moment} AS TIMESTAMP)"
    if wanted.name.endswith("zone") and not given.name.endswith("zone"):
        moment = f"timezone('UTC', CAST({moment} AS TIMESTAMP))"
    if given.name != "date" and fraction_digits(wanted) < fraction_digits(given):
        return to_precision(moment, wanted)
    return f"CAST({moment} AS {computed_type(wanted)})"


def time_to_time(cast: Cast) -> str:
    """Round to fewer digits."""
    return to_precision(cast.sql, cast.target)
