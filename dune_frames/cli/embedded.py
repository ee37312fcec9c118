"""Embedded: an embedded Dune for one command, and the options that furnish it."""

# typer reads these annotations at run time, so they are no strings here.

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dune_frames._ask.query import query_id_of
from dune_frames.errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from dune_frames.local import LocalDune

_PANEL = "The embedded Dune"


@dataclass(frozen=True, kw_only=True)
class FurnishingFlags:
    """What an embedded Dune serves beside its sample tables."""

    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Serve the Parquet and CSV files of a folder as tables, its SQL files as queries.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    table: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE",
            help="Serve a Parquet file as a table; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    saved: Annotated[
        list[str] | None,
        typer.Option(
            "--query",
            metavar="ID=FILE",
            help="Save the SQL of a file as a query; repeatable.",
            rich_help_panel=_PANEL,
        ),
    ] = None

    @property
    def furnishes(self) -> bool:
        """Tell whether there is anything of this to serve."""
        return bool(self.data or self.table or self.saved)

    @contextmanager
    def served(self, **settings: Any) -> Iterator["LocalDune"]:
        """Serve an embedded Dune with these settings, tables and queries."""
        tables = dict(map(_split, self.table or []))
        queries = [(query_id_of(name), file) for name, file in map(_split, self.saved or [])]
        with _embedded(settings) as dune:
            if self.data is not None:
                _serve_folder(dune, self.data)
            for name, file in tables.items():
                _register(dune, name, file)
            for query_id, file in queries:
                _save(dune, query_id, file)
            yield dune


def _embedded(settings: dict[str, Any]) -> "LocalDune":
    """Return an embedded Dune that is still to be started."""
    try:
        from dune_frames.local import LocalDune
    except ModuleNotFoundError as problem:
        if (problem.name or "").startswith("dune_frames"):
            raise
        raise ConfigurationError(
            f"the embedded Dune needs {problem.name}, which is not installed",
            advice="pip install 'dune-frames[local]'",
        ) from None
    return LocalDune(**settings)


def _split(pair: str) -> tuple[str, Path]:
    name, equals, file = pair.partition("=")
    if not equals or not name or not Path(file).is_file():
        raise _refused(pair, "there is no such file" if equals and name else "it is no NAME=FILE")
    return name, Path(file)


def _serve_folder(dune: "LocalDune", folder: Path) -> None:
    try:
        dune.register_folder(folder)
    except ValueError as problem:
        raise InvalidRequestError(
            f"{str(folder)!r} cannot be served: {problem}",
            advice="mend the file, or take it out of the folder.",
        ) from None


def _save(dune: "LocalDune", query_id: int, file: Path) -> None:
    from dune_frames.local.query_files import read_query

    try:
        saved = read_query(file, query_id)
    except (OSError, ValueError) as problem:
        raise _refused(f"{query_id}={file}", str(problem)) from None
    dune.save_query(query_id, saved.sql, saved.params, name=saved.name)


def _register(dune: "LocalDune", name: str, file: Path) -> None:
    try:
        dune.register(name, file)
    except (OSError, ValueError) as problem:
        raise _refused(f"{name}={file}", str(problem)) from None


def _refused(what: str, why: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{what!r} cannot be served: {why}",
        advice="give --table my.trades=trades.parquet, --query 7=query.sql",
    )
