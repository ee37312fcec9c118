"""Go's spelling of floats, for whole columns at once.

Both spellings have the fewest digits that give the number back. ``fmt``'s ``%v``, which the CSV
shows, takes an exponent of two digits at least below 1e-4 and from a million on
(https://pkg.go.dev/strconv#FormatFloat). ``encoding/json`` takes one below 1e-6 and from 1e21 on
(https://pkg.go.dev/encoding/json#Marshal).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

_CSV_RANGE = (1e-4, 1e6)
_JSON_RANGE = (1e-6, 1e21)

#: The words for NaN, Infinity and -Infinity.
Words = tuple[str, str, str]
CSV_WORDS: Words = ("NaN", "+Inf", "-Inf")


def csv_floats(numbers: pl.Series) -> pl.Series:
    """Write floats as ``fmt.Sprintf("%v")`` does; null stays null."""
    text = _written(numbers, _CSV_RANGE, _scientific(exponent_digits=2))
    return _named(text, numbers, CSV_WORDS)


def json_floats(numbers: pl.Series, words: Words) -> pl.Series:
    """Write floats as ``encoding/json`` does, and what it cannot write in the given words."""
    text = _written(numbers, _JSON_RANGE, _scientific(exponent_digits=1))
    return _named(text, numbers, words)


def _written(
    numbers: pl.Series, plain_range: tuple[float, float], scientific: Callable[[], pl.Expr]
) -> pl.Series:
    text = numbers.cast(pl.String).str.strip_suffix(".0")
    size = numbers.cast(pl.Float64).abs()
    plain = ((size >= plain_range[0]) & (size < plain_range[1])) | (size == 0)
    text = _replace(text, numbers.is_finite() & ~plain, scientific)
    return _replace(text, plain & text.str.contains("e", literal=True), _positional)


def _replace(text: pl.Series, where: pl.Series, spelling: Callable[[], pl.Expr]) -> pl.Series:
    places = where.fill_null(value=False).arg_true()
    if not len(places):
        return text
    parts = text.gather(places).rename("text").to_frame().with_columns(_parts())
    parts = parts.unnest("parts").with_columns(_digits_and_exponent()).unnest("number")
    return text.scatter(places, parts.select(spelling()).to_series())


def _parts() -> pl.Expr:
    """Take ``-12.5e7`` apart into sign, whole, fraction and exponent."""
    pattern = r"^(?<sign>-?)(?<whole>\d+)(?:\.(?<fraction>\d+))?(?:e(?<power>[+-]?\d+))?$"
    return pl.col("text").str.extract_groups(pattern).alias("parts")


def _digits_and_exponent() -> pl.Expr:
    """Bring it to digits without zeros around them and the exponent of the first digit."""
    whole, fraction = pl.col("whole"), pl.col("fraction").fill_null("")
    power = pl.col("power").str.strip_prefix("+").cast(pl.Int64).fill_null(0)
    raw = whole + fraction
    digits = raw.str.strip_chars_start("0")
    leading = raw.str.len_bytes().cast(pl.Int64) - digits.str.len_bytes().cast(pl.Int64)
    exponent = whole.str.len_bytes().cast(pl.Int64) + power - leading - 1
    return pl.struct(
        digits=digits.str.strip_chars_end("0"),
        exponent=exponent,
    ).alias("number")


def _scientific(exponent_digits: int) -> Callable[[], pl.Expr]:
    def spelling() -> pl.Expr:
        digits, exponent = pl.col("digits"), pl.col("exponent")
        rest = digits.str.slice(1)
        mantissa = digits.str.slice(0, 1) + pl.when(rest == "").then(pl.lit("")).otherwise(
            "." + rest
        )
        sign = pl.when(exponent < 0).then(pl.lit("e-")).otherwise(pl.lit("e+"))
        return pl.col("sign") + mantissa + sign + _padded(exponent.abs(), exponent_digits)

    return spelling


def _padded(number: pl.Expr, length: int) -> pl.Expr:
    return number.cast(pl.String).str.pad_start(length, "0")


def _positional() -> pl.Expr:
    """Write without an exponent. Only whole numbers and tiny fractions come here with one."""
    digits, exponent = pl.col("digits"), pl.col("exponent")
    zeros = pl.lit("0").repeat_by(exponent.abs()).list.join("")
    whole = (digits + zeros).str.slice(0, (exponent + 1).clip(lower_bound=0))
    return pl.col("sign") + pl.when(exponent < 0).then(
        "0." + zeros.str.slice(1) + digits
    ).otherwise(whole)


def _named(text: pl.Series, numbers: pl.Series, words: Words) -> pl.Series:
    if bool(numbers.is_finite().all()):
        return text
    infinite = numbers.is_infinite()
    return pl.select(
        pl.when(numbers.is_nan())
        .then(pl.lit(words[0]))
        .when(infinite & (numbers > 0))
        .then(pl.lit(words[1]))
        .when(infinite)
        .then(pl.lit(words[2]))
        .otherwise(text)
    ).to_series()
