"""A window: which rows and columns of a result a request asks for."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dune_frames.local.answers import RefusedError
from dune_frames.local.columns import place_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames.local.results import Result


@dataclass(frozen=True, slots=True)
class Window:
    """The parameters of the result endpoints, read and checked.

    Attributes
    ----------
    columns : tuple of str or None
        The names to return; all without.
    filters, sort_by : str or None
        As given.
    limit : int or None
        The rows of a page.
    offset : int
        The first row, from 0.
    sample_count : int or None
        The rows of a random sample.
    allow_partial_results, ignore_max_datapoints_per_request : bool
        As documented.
    """

    columns: tuple[str, ...] | None = None
    filters: str | None = None
    sort_by: str | None = None
    limit: int | None = None
    offset: int = 0
    sample_count: int | None = None
    allow_partial_results: bool = False
    ignore_max_datapoints_per_request: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Window:
        """Read a request's query parameters.

        Raises
        ------
        RefusedError
            A number or a flag is none, or `sample_count` comes with what it excludes.
        """
        window = cls(
            columns=_names(query.get("columns", "")),
            filters=query.get("filters") or None,
            sort_by=query.get("sort_by") or None,
            limit=_count(query, "limit"),
            offset=_count(query, "offset") or 0,
            sample_count=_count(query, "sample_count"),
            allow_partial_results=_flag(query, "allow_partial_results"),
            ignore_max_datapoints_per_request=_flag(query, "ignore_max_datapoints_per_request"),
        )
        excluded = query.keys() & {"limit", "offset", "filters"}
        if window.sample_count is not None and excluded:
            raise RefusedError(400, "sample_count cannot be combined with limit, offset or filters")
        return window

    def places(self, result: Result) -> tuple[int, ...]:
        """Return where the asked columns stand in a result, in the order asked for.

        Raises
        ------
        RefusedError
            The result lacks one.
        """
        if self.columns is None:
            return tuple(range(len(result.names)))
        return tuple(place_of(result, name) for name in self.columns)


def _names(text: str) -> tuple[str, ...] | None:
    """Cut at commas; a name with a comma stands in double quotes. Spaces belong to a name."""
    if not text:
        return None
    try:
        return tuple(dict.fromkeys(next(csv.reader([text]))))
    except csv.Error:
        raise RefusedError(400, f"invalid columns: {text}") from None


def _count(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None or text == "":
        return None
    if not text.isdecimal() or not text.isascii():
        raise RefusedError(400, f"invalid {name}: {text}")
    return int(text)


def _flag(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in ("true", "false", "1", "0", ""):
        raise RefusedError(400, f"invalid {name}: {text}")
    return text in ("true", "1")
