"""Casts of numbers: between their kinds, exact, halves away from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dune_frames.local.sql.casts.cast import Cast


def native(cast: Cast) -> str:
    """Let DuckDB cast: it does as Trino does."""
    return cast.native(cast.sql)


def rounded(cast: Cast) -> str:
    """Round halves away from zero, where DuckDB rounds them to even."""
    return cast.native(f"round({cast.sql})")


def integer_to_big(cast: Cast) -> str:
    """Widen; a negative number is no uint256."""
    literal = cast.value.literal
    if cast.target.name == "int256" or (literal and literal.isdecimal()):
        return f"CAST({cast.sql} AS BIGNUM)"
    return text_to_big(cast)


def text_to_big(cast: Cast) -> str:
    """Read digits, all of them."""
    return f"CAST({cast.udf(f'to_{cast.target.name}', f'CAST({cast.sql} AS VARCHAR)')} AS BIGNUM)"


def decimal_to_big(cast: Cast) -> str:
    """Round to a whole number."""
    whole = f"CAST(round({cast.sql}) AS DECIMAL(38, 0))"
    return f"CAST({cast.udf(f'to_{cast.target.name}', f'CAST({whole} AS VARCHAR)')} AS BIGNUM)"


def float_to_big(cast: Cast) -> str:
    """Take the exact whole number that a float is."""
    number = f"CAST({cast.sql} AS DOUBLE)"
    return f"CAST({cast.udf(f'double_to_{cast.target.name}', number)} AS BIGNUM)"


def via_text(cast: Cast) -> str:
    """Cast what DuckDB only casts from text."""
    return cast.native(f"CAST({cast.sql} AS VARCHAR)")


def big_to_bytes(cast: Cast) -> str:
    """Write 32 bytes, big-endian."""
    return f"{cast.value.type.name}_to_bytes(CAST({cast.sql} AS VARCHAR))"


def boolean_to_number(cast: Cast) -> str:
    """Make 1 and 0."""
    return cast.native(f"CAST({cast.sql} AS INTEGER)")


def number_to_boolean(cast: Cast) -> str:
    """Make everything but 0 true."""
    return f"({cast.sql} <> 0)"
