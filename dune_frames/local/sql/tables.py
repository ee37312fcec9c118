"""Tables: what a query can name, with Dune's types of their columns."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames._types.table import DuneType


@dataclass(frozen=True, slots=True)
class Table:
    """A table of DuckDB under the name that Dune knows it by.

    Attributes
    ----------
    name : str
        Its name with dots, in lower case.
    columns : tuple of (str, DuneType)
        Names and types.
    """

    name: str
    columns: tuple[tuple[str, DuneType], ...]


class Tables:
    """The known tables. Those that are made only when they are asked for have a maker."""

    def __init__(self) -> None:
        self._known: dict[str, Table] = {}
        self._makers: dict[str, Callable[[], Table]] = {}
        self._lock = threading.RLock()

    def add(self, table: Table) -> None:
        """Take a table in; one of that name before is forgotten."""
        with self._lock:
            self._makers.pop(table.name, None)
            self._known[table.name] = table

    def add_later(self, name: str, make: Callable[[], Table]) -> None:
        """Take in a table that `make` makes when it is first asked for."""
        self._makers[name] = make

    def remove(self, name: str) -> None:
        """Forget a table."""
        with self._lock:
            self._makers.pop(name, None)
            self._known.pop(name, None)

    def get(self, name: str) -> Table | None:
        """Return a table, None where there is none of that name, in any case."""
        with self._lock:
            key = name.lower()
            if key in self._makers:
                self.add(self._makers[key]())
            return self._known.get(key)
