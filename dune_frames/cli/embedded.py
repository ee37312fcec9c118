"""Embedded: an embedded Dune for one command, and the options that furnish it."""

# typer reads these annotations at run time, so they are no strings here.

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dune_frames._ask.query import query_id_of
from dune_frames.errors import ConfigurationError, InvalidRequestError

if TYPE_CHECKING:
    from dune_frames.local import LocalDune

_PANEL = "The embedded Dune"


@dataclass(frozen=True, kw_only=True)
class FurnishingFlags:
    """What an embedded Dune serves beside its sample tables."""

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

    @contextmanager
    def served(self) -> Iterator["LocalDune"]:
        """Serve an embedded Dune with these tables and queries."""
        tables = dict(map(_split, self.table or []))
        saved = map(_split, self.saved or [])
        queries = {query_id_of(name): _text_of(file) for name, file in saved}
        with _embedded() as dune:
            for name, file in tables.items():
                _register(dune, name, file)
            for query_id, sql in queries.items():
                dune.save_query(query_id, sql)
            yield dune


def _embedded() -> "LocalDune":
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
    return LocalDune()


def _split(pair: str) -> tuple[str, Path]:
    name, equals, file = pair.partition("=")
    if not equals or not name or not Path(file).is_file():
        raise _refused(pair, "there is no such file" if equals and name else "it is no NAME=FILE")
    return name, Path(file)


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise _refused(str(file), str(problem)) from None


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
