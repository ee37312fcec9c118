"""The commands about a run itself: status, cancel. Both are free of charge."""

# typer reads these annotations at run time, so they are no strings here.

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated

import typer

from dune_frames._wire.answers import Failure, Metadata, Status
from dune_frames.cli.access import client
from dune_frames.cli.messages import harmless, saying
from dune_frames.errors import ConflictError

_ExecutionId = Annotated[str, typer.Argument(help="The execution's id.", metavar="ID")]


def status(
    execution_id: _ExecutionId,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False,
) -> None:
    """Show the state of an execution, and what its result holds. A failed run is a state too."""
    with saying(quiet=False), client() as dune:
        told = dune.execution(execution_id).status()
    typer.echo(_json_of(told) if as_json else harmless("\n".join(_lines_of(told))))


def cancel(execution_id: _ExecutionId) -> None:
    """Stop an execution. What it used so far is billed."""
    with saying(quiet=False), client() as dune:
        run = dune.execution(execution_id)
        if not run.cancel():
            raise ConflictError(
                "Dune did not cancel it: it is over already",
                execution_id=execution_id,
                advice=f"dune-frames status {execution_id}",
            )
    typer.echo(f"cancelled {execution_id}")


def _json_of(told: Status) -> str:
    return json.dumps(asdict(told), default=datetime.isoformat, indent=2, ensure_ascii=False)


def _lines_of(told: Status) -> Iterator[str]:
    """Name what is known, a line each, and then the columns."""
    for part in (told, told.metadata, told.failure):
        for name, value in _facts(part):
            yield f"{name.replace('_', ' '):<24} {value}"
    yield from _columns(told.metadata)


def _facts(part: Status | Metadata | Failure | None) -> Iterator[tuple[str, object]]:
    for each in fields(part) if part else ():
        value = getattr(part, each.name)
        if isinstance(value, datetime):
            yield each.name, value.isoformat(" ")
        elif isinstance(value, str | int | float):
            yield each.name, value


def _columns(metadata: Metadata | None) -> Iterator[str]:
    if metadata:
        types = metadata.column_types or ("",) * len(metadata.column_names)
        for name, kind in zip(metadata.column_names, types, strict=False):
            yield f"{'column':<24} {name} {kind}".rstrip()
