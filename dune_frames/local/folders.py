"""Folders: Parquet and CSV files as tables, and SQL files as saved queries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dune_frames.local.frames import arrow_table
from dune_frames.local.query_files import read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from os import PathLike

    import pyarrow as pa

    from dune_frames.local.frames import Types
    from dune_frames.local.queries import SavedQuery

#: Rows, and the Dune types of their columns where they do not tell them themselves.
Read = tuple["pa.Table", "Types | None"]


#: A catalog, a schema and a table: more no name in DuneSQL can have.
_PARTS = 3


class FolderError(ValueError):
    """A folder with a file that cannot be served; the message names it."""


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder holds.

    Attributes
    ----------
    tables : mapping of str to callable
        Each table's name and what reads its rows.
    queries : sequence of SavedQuery
        The saved queries.
    """

    tables: Mapping[str, Callable[[], Read]]
    queries: Sequence[SavedQuery]

    @classmethod
    def of(cls, path: str | PathLike[str]) -> Folder:
        """Look through a folder and those in it; hidden files and folders are left out.

        Raises
        ------
        FolderError
            It is none, a file in it cannot be read, or two stand for one table or query.
        """
        root = Path(path)
        if not root.is_dir():
            raise FolderError(f"{root} is no folder")
        found: dict[str | int, Path] = {}
        tables: dict[str, Callable[[], Read]] = {}
        queries: list[SavedQuery] = []
        for file in _files(root):
            if file.suffix.lower() == ".sql":
                queries.append(_query(file))
                _once(found, queries[-1].query_id, file)
            elif file.suffix.lower() in _READERS:
                name = _table_name(file.relative_to(root))
                _once(found, name, file)
                tables[name] = _reader(file)
        return cls(tables, queries)


def _files(root: Path) -> Iterator[Path]:
    for file in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
        if file.is_file() and not hidden:
            yield file


def _table_name(file: Path) -> str:
    """Return ``dex.trades`` for ``dex/trades.parquet`` as for ``dex.trades.parquet``."""
    name = ".".join(file.with_suffix("").parts).lower()
    if name.count(".") >= _PARTS:
        raise FolderError(f"{file}: no query can name {name}, which has more than {_PARTS} parts")
    return name


def _once(found: dict[str | int, Path], name: str | int, file: Path) -> None:
    if name in found:
        raise FolderError(f"{found[name]} and {file} are both {name}")
    found[name] = file


def _query(file: Path) -> SavedQuery:
    try:
        return read_query(file)
    except (OSError, ValueError) as problem:
        raise FolderError(f"{file}: {problem}") from None


def _reader(file: Path) -> Callable[[], Read]:
    read = _READERS[file.suffix.lower()]
    if read is _read_parquet:
        _check_parquet(file)
    return partial(read, file)


def _check_parquet(file: Path) -> None:
    import pyarrow.parquet as pq

    try:
        pq.read_schema(file)
    except (OSError, ValueError) as problem:
        raise FolderError(f"{file}: {problem}") from None


def _read_parquet(file: Path) -> Read:
    return arrow_table(file), None


def _read_csv(file: Path) -> Read:
    from dune_frames.local.csv_tables import read_csv

    return read_csv(file)


_READERS: dict[str, Callable[[Path], Read]] = {".parquet": _read_parquet, ".csv": _read_csv}
