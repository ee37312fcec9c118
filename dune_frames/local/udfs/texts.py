"""Texts: split, formatted, taken out of addresses of the web; and the text of a failure."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

from dune_frames.local.udfs.udf import Udf

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_MOST_DIGITS = 400
#: A placeholder of Java's formats, as far as they are known here.
PLACEHOLDER = re.compile(
    r"%(?:(?P<place>\d+)\$)?(?P<flags>[-+ 0,]*)(?P<width>\d{1,4})?(?:\.(?P<digits>\d{1,3}))?"
    r"(?P<kind>[sdfn%])"
)


def _fail(message: str) -> str:
    """Fail: DuckDB's own ``error`` cannot stand inside its TRY."""
    raise ValueError(message)


def _split(text: str, delimiter: str, limit: int) -> list[str]:
    if not delimiter:
        raise ValueError("The delimiter may not be the empty string")
    if limit <= 0:
        raise ValueError("Limit must be positive")
    return text.split(delimiter, limit - 1)


def _split_part(text: str, delimiter: str, place: int) -> str | None:
    if place <= 0:
        raise ValueError("Index must be greater than zero")
    parts = text.split(delimiter) if delimiter else list(text)
    return parts[place - 1] if place <= len(parts) else None


def _joined(parts: Sequence[str | None], separator: str) -> str:
    """Join texts, and pass over nulls."""
    return separator.join(part for part in parts if part is not None)


def _initcap(text: str) -> str:
    return re.sub(r"[^\W_]+", lambda word: word[0][:1].upper() + word[0][1:].lower(), text)


# Formats


def _formatted(template: str, values: Sequence[str | None]) -> str:
    """Fill Java's placeholders with values that are texts already."""
    following = iter(values)

    def written(match: re.Match[str]) -> str:
        if match["kind"] in "%n":
            return {"%": "%", "n": "\n"}[match["kind"]]
        value = values[int(match["place"]) - 1] if match["place"] else next(following)
        text = _value_text(match, "null" if value is None else value)
        width = int(match["width"] or 0)
        return text.ljust(width) if "-" in match["flags"] else text.rjust(width)

    return PLACEHOLDER.sub(written, template)


def _value_text(match: re.Match[str], value: str) -> str:
    if match["kind"] == "s" or value in ("null", "NaN"):
        return value if match["digits"] is None else value[: int(match["digits"])]
    number = Decimal(value)
    if not number.is_finite():
        return value
    flags = match["flags"]
    sign = "-" if number.is_signed() else next((one for one in "+ " if one in flags), "")
    digits = _digits_text(match, abs(number))
    padding = int(match["width"] or 0) - len(sign) if "0" in flags else 0
    return sign + digits.rjust(padding, "0")


def _digits_text(match: re.Match[str], number: Decimal) -> str:
    places = int(match["digits"] or 6) if match["kind"] == "f" else 0
    with localcontext(prec=_MOST_DIGITS + places, rounding=ROUND_HALF_UP):
        rounded = number.quantize(Decimal(1).scaleb(-places))
    return format(rounded, ",f" if "," in match["flags"] else "f")


# Durations

_SPANS = {"week": 604_800, "day": 86_400, "hour": 3_600, "minute": 60, "second": 1}


def _human_seconds(seconds: float) -> str:
    """Return a span of time in words: ``1 minute, 36 seconds``."""
    if not abs(seconds) < float("inf"):
        raise ValueError(f"Invalid argument found: {seconds}")
    left, words = round(abs(seconds)), []
    for unit, span in _SPANS.items():
        count, left = divmod(left, span)
        if count:
            words.append(f"{count} {unit}{'s' * (count != 1)}")
    return ", ".join(words) or "0 seconds"


# Addresses of the web


def _url_encode(text: str) -> str:
    """Encode as a form does, with the letters that Java's form encoding leaves."""
    return quote_plus(text, safe="*").replace("~", "%7E")


def _url_part(pick: Callable[[Any], object]) -> Callable[[str], str | None]:
    def part(url: str) -> str | None:
        try:
            found = pick(urlsplit(url))
        except ValueError:
            return None
        return None if found is None else str(found)

    return part


def _url_parameter(url: str, name: str) -> str | None:
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return next((value for key, value in pairs if key == name), None)


_ONE = ("VARCHAR",)
_TWO = ("VARCHAR", "VARCHAR")

UDFS = (
    Udf("fail", _fail, _ONE, "VARCHAR"),
    Udf("text_split", _split, (*_TWO, "BIGINT"), "VARCHAR[]"),
    Udf("text_split_part", _split_part, (*_TWO, "BIGINT"), "VARCHAR"),
    Udf("text_join", _joined, ("VARCHAR[]", "VARCHAR"), "VARCHAR"),
    Udf("text_initcap", _initcap, _ONE, "VARCHAR"),
    Udf("text_format", _formatted, ("VARCHAR", "VARCHAR[]"), "VARCHAR"),
    Udf("human_seconds", _human_seconds, ("DOUBLE",), "VARCHAR"),
    Udf("form_encoded", _url_encode, _ONE, "VARCHAR"),
    Udf("form_decoded", unquote_plus, _ONE, "VARCHAR"),
    Udf("url_host", _url_part(lambda url: url.hostname), _ONE, "VARCHAR"),
    Udf("url_path", _url_part(lambda url: url.path), _ONE, "VARCHAR"),
    Udf("url_protocol", _url_part(lambda url: url.scheme), _ONE, "VARCHAR"),
    Udf("url_query", _url_part(lambda url: url.query), _ONE, "VARCHAR"),
    Udf("url_fragment", _url_part(lambda url: url.fragment), _ONE, "VARCHAR"),
    Udf("url_parameter", _url_parameter, _TWO, "VARCHAR"),
)
