"""Formats: the letters of date formats, MySQL's and Joda's, as strftime's."""

from __future__ import annotations

import re

#: MySQL's letters, which date_format and date_parse take. The others are refused:
#: https://trino.io/docs/current/functions/datetime.html#mysql-date-functions
_MYSQL = {
    **{letter: f"%{letter}" for letter in "YymdHSfbajpH"},
    "h": "%I",
    "I": "%I",
    "i": "%M",
    "s": "%S",
    "M": "%B",
    "c": "%-m",
    "e": "%-d",
    "W": "%A",
    "k": "%-H",
    "l": "%-I",
    "r": "%I:%M:%S %p",
    "T": "%H:%M:%S",
    "v": "%V",
    "x": "%G",
    "%": "%%",
}
#: Joda's, which format_datetime takes: https://www.joda.org/joda-time/key_format.html
_JODA = {
    **dict.fromkeys(("y", "yyy", "yyyy", "Y", "YYY", "YYYY"), "%Y"),
    **dict.fromkeys(("yy", "YY"), "%y"),
    **dict.fromkeys(("E", "EE", "EEE"), "%a"),
    "EEEE": "%A",
    "M": "%-m",
    "MM": "%m",
    "MMM": "%b",
    "MMMM": "%B",
    "d": "%-d",
    "dd": "%d",
    "DDD": "%j",
    "H": "%-H",
    "HH": "%H",
    "h": "%-I",
    "hh": "%I",
    "m": "%-M",
    "mm": "%M",
    "s": "%-S",
    "ss": "%S",
    "SSS": "%g",
    "a": "%p",
    "ww": "%V",
    "xxxx": "%G",
}
_JODA_PART = re.compile(
    r"'(?P<quoted>(?:[^']|'')*)'|(?P<letters>([A-Za-z])\3*)|(?P<other>.)", re.DOTALL
)


class FormatError(Exception):
    """A part of a format that is not known here."""


def mysql_format(text: str) -> str:
    """Return a format of date_format or date_parse as strftime's.

    Raises
    ------
    FormatError
        A letter is not known.
    """

    def written(match: re.Match[str]) -> str:
        if match[0][0] != "%":
            return match[0]
        if match[1] not in _MYSQL:
            raise FormatError(f"the date format {match[0]}")
        return _MYSQL[match[1]]

    return re.sub(r"%(.?)|.", written, text, flags=re.DOTALL)


def joda_format(text: str) -> str:
    """Return a format of format_datetime as strftime's.

    Raises
    ------
    FormatError
        Some letters are not known.
    """

    def written(match: re.Match[str]) -> str:
        if match["quoted"] is not None:
            return match["quoted"].replace("''", "'").replace("%", "%%") or "'"
        if match["other"]:
            return match["other"].replace("%", "%%")
        if match["letters"] not in _JODA:
            raise FormatError(f"the date format {match['letters']}")
        return _JODA[match["letters"]]

    return _JODA_PART.sub(written, text)
