"""The commands that end in a frame: query, sql, execution."""

# typer reads these annotations at run time, so they are no strings here.

import sys
from pathlib import Path
from typing import Annotated

import typer

from dune_frames.cli.access import LocalFlags, client
from dune_frames.cli.flags import ParameterFlags, ReadingFlags, RunFlags
from dune_frames.cli.output import OutputFlags
from dune_frames.errors import InvalidRequestError


def query(
    query: Annotated[str, typer.Argument(help="The query's number or URL.", metavar="QUERY")],
    *,
    params: ParameterFlags,
    output: OutputFlags,
    reading: ReadingFlags,
    run: RunFlags,
    local: LocalFlags,
) -> None:
    """Read a saved query: its stored result, or a new run where there is none."""
    values = params.values
    with output.opened() as put, local.client() as dune:
        options = run.options(reading, local)
        options["progress"] = output.progress
        put(dune.read_query(query, values, frame="pyarrow", **options))


def sql(
    sql: Annotated[
        str | None,
        typer.Argument(
            help="The SQL, or - for stdin. Put -- before SQL that begins with a dash.",
            metavar="SQL",
        ),
    ] = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="Take the SQL from a file.", metavar="FILE")
    ] = None,
    params: ParameterFlags,
    output: OutputFlags,
    reading: ReadingFlags,
    run: RunFlags,
    local: LocalFlags,
) -> None:
    """Run SQL and read its result. {{name}} in it takes the value of -p name=value."""
    text, values = _sql_of(sql, file), params.values
    with output.opened() as put, local.client() as dune:
        options = run.options(reading, local)
        options["progress"] = output.progress
        put(dune.read_sql(text, values, frame="pyarrow", **options))


def execution(
    execution_id: Annotated[str, typer.Argument(help="The execution's id.", metavar="ID")],
    output: OutputFlags,
    reading: ReadingFlags,
) -> None:
    """Read the result of an execution; wait for it where it still runs. It starts no run."""
    with output.opened() as put, client() as dune:
        options = reading.options
        options["progress"] = output.progress
        put(dune.read_execution(execution_id, frame="pyarrow", **options))


def _sql_of(sql: str | None, file: Path | None) -> str:
    if (sql is None) == (file is None):
        raise InvalidRequestError(
            "it takes one SQL", advice="give it as argument, as --file FILE, or as - for stdin."
        )
    if sql not in (None, "-"):
        return str(sql)
    try:
        content = sys.stdin.buffer.read() if file in (None, Path("-")) else file.read_bytes()
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise InvalidRequestError(
            f"the SQL cannot be read: {problem}", advice="give a text file in UTF-8."
        ) from None
