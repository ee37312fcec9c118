"""The command that serves an embedded Dune: local."""

# typer reads these annotations at run time, so they are no strings here.

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dune_frames._ask.query import query_id_of
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
    tables = dict(map(_split, table or []))
    queries = {query_id_of(name): _text_of(file) for name, file in map(_split, query or [])}
    with embedded() as dune, contextlib.suppress(KeyboardInterrupt):
        _furnish(dune, tables, queries)
        typer.echo(_HOW_TO.format(url=dune.url), nl=False)
        while True:
            time.sleep(_A_WHILE)


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


def _furnish(dune: "LocalDune", tables: dict[str, Path], queries: dict[int, str]) -> None:
    for name, file in tables.items():
        try:
            dune.register(name, file)
        except (OSError, ValueError) as problem:
            raise _refused(f"{name}={file}", str(problem)) from None
    for query_id, sql in queries.items():
        dune.save_query(query_id, sql)


def _refused(what: str, why: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"{what!r} cannot be served: {why}",
        advice="give --table my.trades=trades.parquet, --query 7=query.sql",
    )
