"""Folders: Parquet and CSV files as tables, and SQL files as saved queries."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dune_frames.local.query_files import read_query

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from os import PathLike

    import pyarrow as pa

    from dune_frames.local.queries import SavedQuery

#: What a CSV has for null: nothing, or what Dune's own CSV has. A quoted "" is empty text.
_NULLS = ["", "<nil>"]


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

    tables: Mapping[str, Callable[[], Any]]
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
        tables: dict[str, Callable[[], Any]] = {}
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
    return ".".join(file.with_suffix("").parts).lower()


def _once(found: dict[str | int, Path], name: str | int, file: Path) -> None:
    if name in found:
        raise FolderError(f"{found[name]} and {file} are both {name}")
    found[name] = file


def _query(file: Path) -> SavedQuery:
    try:
        return read_query(file)
    except (OSError, ValueError) as problem:
        raise FolderError(f"{file}: {problem}") from None


def _reader(file: Path) -> Callable[[], Any]:
    read = _READERS[file.suffix.lower()]
    if read is _parquet:
        _check_parquet(file)
    return partial(read, file)


def _check_parquet(file: Path) -> None:
    import pyarrow.parquet as pq

    try:
        pq.read_schema(file)
    except (OSError, ValueError) as problem:
        raise FolderError(f"{file}: {problem}") from None


def _parquet(file: Path) -> pa.Table:
    import pyarrow.parquet as pq

    return pq.read_table(file)


def _csv(file: Path) -> pa.Table:
    """Read a CSV whose types are those that all of its values fit."""
    import duckdb

    with duckdb.connect() as connection:
        read = connection.read_csv(
            str(file), header=True, sample_size=-1, na_values=_NULLS, allow_quoted_nulls=False
        )
        return read.to_arrow_table()


_READERS: dict[str, Callable[[Path], pa.Table]] = {".parquet": _parquet, ".csv": _csv}
