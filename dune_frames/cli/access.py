"""Access: the Dune that a command talks to, the real one or an embedded one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from dune_frames import Dune
from dune_frames.errors import ConfigurationError, DuneError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames.local import LocalDune


@contextmanager
def client(*, local: bool) -> Iterator[Dune]:
    """Give the client that the environment describes, or that of a Dune for this command alone."""
    if local:
        with _gone_afterwards(), embedded() as dune:
            yield dune.client()
        return
    chosen = _from_environment()
    try:
        yield chosen
    finally:
        chosen.close()


@contextmanager
def _gone_afterwards() -> Iterator[None]:
    """Let no error advise to go on with a run that ends with this command."""
    try:
        yield
    except DuneError as problem:
        problem.execution_id = None
        raise


def _from_environment() -> Dune:
    try:
        return Dune()
    except ConfigurationError as problem:
        problem.advice = (
            "set DUNE_API_KEY to a key from https://dune.com/settings/api and leave "
            "DUNE_API_BASE_URL out; without an account: dune-frames sql --local"
        )
        raise


def embedded() -> LocalDune:
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
