"""Facts: how a value shows what it knows, as one line and as a small table in a notebook."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Link:
    """A text that leads somewhere."""

    text: str
    url: str


@dataclass(frozen=True, slots=True)
class Code:
    """A text whose lines matter. It stands in the table only."""

    text: str


Fact: TypeAlias = str | int | float | datetime | date | timedelta | Link | Code | None
_BYTES_OF_A_MEGABYTE = 1_000_000


class ShowsFacts:
    """Shows itself by the facts that it tells. Showing sends nothing and never fails."""

    __slots__ = ()

    def _facts(self) -> Iterable[tuple[str, Fact]]:
        """Yield names and values; what is `None` is left out."""
        raise NotImplementedError

    def __repr__(self) -> str:
        facts = [(name, _line(fact)) for name, fact in self._facts() if _is_short(fact)]
        told = ", ".join(f"{name} {text}" for name, text in facts)
        return f"<{type(self).__name__}: {told}>"

    def _repr_html_(self) -> str:
        rows = [(name, fact) for name, fact in self._facts() if fact is not None]
        cells = "".join(
            f'<tr><th style="text-align: left">{html.escape(name)}</th>'
            f'<td style="text-align: left">{_cell(fact)}</td></tr>'
            for name, fact in rows
        )
        return f'<table class="dune-frames">{cells}</table>'


def query_link(query_id: int | None) -> Link | None:
    """Return the fact that names a saved query."""
    return None if not query_id else Link(str(query_id), f"https://dune.com/queries/{query_id}")


def megabytes(size: int | None) -> str | None:
    """Return the fact that tells a size in bytes."""
    return None if size is None else f"{size / _BYTES_OF_A_MEGABYTE:,.2f} MB"


def _is_short(fact: Fact) -> bool:
    return fact is not None and not isinstance(fact, Code)


def _text(fact: Fact) -> str:
    if isinstance(fact, Link | Code):
        return fact.text
    if isinstance(fact, datetime):
        return fact.isoformat(" ", "seconds").replace("+00:00", " UTC")
    if isinstance(fact, timedelta):
        return f"{fact.total_seconds():,.1f} s"
    if isinstance(fact, float):
        return f"{fact:,.6g}"
    return f"{fact:,}" if isinstance(fact, int) else str(fact)


def _line(fact: Fact) -> str:
    """Return a fact on one line, which cannot steer a terminal."""
    words = " ".join(_text(fact).split())
    return "".join(each if each.isprintable() else "\ufffd" for each in words)


def _cell(fact: Fact) -> str:
    text = html.escape(_text(fact))
    if isinstance(fact, Link):
        return f'<a href="{html.escape(fact.url)}" target="_blank" rel="noopener">{text}</a>'
    return f"<pre>{text}</pre>" if isinstance(fact, Code) else text
