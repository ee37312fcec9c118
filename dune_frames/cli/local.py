"""The command that serves an embedded Dune: local."""

# typer reads these annotations at run time, so they are no strings here.

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dune_frames._query import query_id_of
from dune_frames.cli.access import embedded
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from dune_frames.local import LocalDune

_HOW_TO = """\
# An embedded Dune serves at {url} until Ctrl-C. Other shells use it with:
export DUNE_API_BASE_URL={url}
export DUNE_API_KEY=local
# and then, for example: dune-frames sql "SELECT blockchain, count(*) FROM dex.trades GROUP BY 1"
"""

#: A sleep ends at Ctrl-C; waiting for an event does not, once polars has set its own handler.
_A_WHILE = 3600.0


def local(
    *,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=FILE", help="Serve a Parquet file as a table; repeatable."),
    ] = None,
    query: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=FILE", help="Save the SQL of a file as a query; repeatable."),
    ] = None,
) -> None:
    """Serve an embedded Dune with sample tables until Ctrl-C; print how to use it."""
    with embedded() as dune, contextlib.suppress(KeyboardInterrupt):
        _furnish(dune, table or [], query or [])
        typer.echo(_HOW_TO.format(url=dune.url), nl=False)
        while True:
            time.sleep(_A_WHILE)


def _furnish(dune: "LocalDune", tables: list[str], queries: list[str]) -> None:
    for pair in tables:
        with _refusing(pair):
            name, file = _split(pair)
            dune.register(name, file)
    for pair in queries:
        with _refusing(pair):
            number, file = _split(pair)
            dune.save_query(query_id_of(number), file.read_text(encoding="utf-8-sig"))


@contextlib.contextmanager
def _refusing(pair: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OSError) as problem:
        raise InvalidRequestError(
            f"{pair!r} cannot be served: {problem}",
            advice="give --table my.trades=trades.parquet, --query 7=query.sql",
        ) from None


def _split(pair: str) -> tuple[str, Path]:
    name, equals, file = pair.partition("=")
    if not equals or not name:
        raise ValueError("it is no NAME=FILE")
    return name, Path(file)
