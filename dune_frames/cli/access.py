"""Access: the Dune that a command talks to, the real one or an embedded one."""

# typer reads these annotations at run time, so they are no strings here.

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from dune_frames import Dune
from dune_frames.cli.embedded import FurnishingFlags
from dune_frames.errors import ConfigurationError, DuneError, InvalidRequestError


@contextmanager
def client() -> Iterator[Dune]:
    """Give the client that the environment describes."""
    try:
        chosen = Dune()
    except ConfigurationError as problem:
        problem.advice = (
            "set DUNE_API_KEY to a key from https://dune.com/settings/api and leave "
            "DUNE_API_BASE_URL out; without an account: dune-frames sql --local"
        )
        raise
    try:
        yield chosen
    finally:
        chosen.close()


@dataclass(frozen=True, kw_only=True)
class LocalFlags(FurnishingFlags):
    """Whether a Dune is embedded for this command, and what it serves."""

    local: Annotated[
        bool,
        typer.Option(
            "--local",
            help="Run in an embedded Dune with sample tables, started for this command alone: "
            "no account, no network.",
            rich_help_panel="The embedded Dune",
        ),
    ] = False

    @contextmanager
    def client(self) -> Iterator[Dune]:
        """Give the client of a Dune for this command alone, or of that of the environment."""
        if self.local:
            with _gone_afterwards(), self.served() as dune:
                yield dune.client()
            return
        if self.furnishes:
            raise InvalidRequestError(
                "--data, --table and --query furnish an embedded Dune", advice="add --local."
            )
        with client() as chosen:
            yield chosen


@contextmanager
def _gone_afterwards() -> Iterator[None]:
    """Let no error advise to go on with a run that ends with this command."""
    try:
        yield
    except DuneError as problem:
        problem.execution_id = None
        raise
