"""Values: texts of a command line as what the library takes."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def names_of(lists: Iterable[str]) -> list[str]:
    """Part comma-separated names; a name in double quotes may hold a comma.

    Examples
    --------
    >>> names_of(['a, "b,c"', "d"])
    ['a', 'b,c', 'd']
    """
    return [name for row in csv.reader(lists, skipinitialspace=True) for name in row]


def number_or_text(text: str) -> float | str:
    """Return plain numbers as such; the library reads the rest.

    Examples
    --------
    >>> number_or_text("3600"), number_or_text("1h")
    (3600.0, '1h')
    """
    try:
        return float(text)
    except ValueError:
        return text
