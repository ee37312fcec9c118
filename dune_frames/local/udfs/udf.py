"""A UDF: a function for DuckDB, in Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Udf:
    """A function for DuckDB; null in gives null out.

    Attributes
    ----------
    name : str
        Its name.
    function : callable
        From Python values to one. It raises ValueError for what it cannot do.
    parameters : tuple of str
        DuckDB's types of its arguments.
    returns : str
        DuckDB's type of its value: VARCHAR, VARCHAR[], BLOB or BIGINT.
    """

    name: str
    function: Callable[..., Any]
    parameters: tuple[str, ...]
    returns: str
