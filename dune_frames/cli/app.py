"""The application: the commands under one name, and how each of them ends."""

from __future__ import annotations

import os
import sys
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dune_frames import __version__
from dune_frames.cli import endings, local, pipelines, read, runs, storage
from dune_frames.cli.groups import spread
from dune_frames.cli.messages import say

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = "dune-frames"

app = typer.Typer(
    name=_NAME,
    help="Dune Analytics in the shell: query results, exact and complete, as a table or a file.",
    epilog=endings.EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{_NAME} {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    *,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool,
        typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


def _command(work: Callable[..., None]) -> None:
    """Add a command that ends by the rules of `endings`."""

    @wraps(work)
    def ending_well(**given: Any) -> None:
        with endings.told():
            work(**given)

    app.command(work.__name__, epilog=endings.EPILOG)(spread(ending_well))


for _work in (
    read.query,
    read.sql,
    read.execution,
    runs.status,
    runs.cancel,
    pipelines.pipeline,
    storage.cache,
    local.local,
):
    _command(_work)

#: typer exports this child of its usage errors; where the parent lives depends on its version.
_UsageError: type[typer.BadParameter] = typer.BadParameter.__bases__[0]


def run() -> int:
    """Run what the command line asks for; return the exit status."""
    endings.end_on_signals()
    _make_sure_of_streams()
    try:
        return app(prog_name=_NAME, standalone_mode=False) or 0
    except _UsageError as problem:
        context = problem.ctx.command_path if problem.ctx else _NAME
        message = " ".join(problem.format_message().split())
        say(f"error: {message.rstrip('.')} (see {context} --help)")
        return endings.USAGE


def _make_sure_of_streams() -> None:
    """Let a closed stream lead nowhere, and stdout replace what its encoding lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            nowhere = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end
            setattr(sys, name, nowhere)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
