"""The shell: `dune-frames`. This file only starts it, or says in one line what is missing."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

#: As for a missing key: something has to be set up first.
_NOT_SET_UP = 3
#: A process that a signal ended has a status of this and the signal's number.
_SIGNALS = 128
_INTERRUPTED = 130


def main() -> NoReturn:
    """Run the command line and end the process with its exit status."""
    status = _status()
    if status > _SIGNALS:
        # Whoever interrupts does not wait for threads that wait for an answer.
        os._exit(status)
    raise SystemExit(status)


def _status() -> int:
    """Return the exit status, with every exception and what it holds on to already let go."""
    try:
        from dune_frames.cli.app import run

        return run()
    except ModuleNotFoundError as problem:
        if problem.name != "typer":
            raise
        sys.stderr.write("dune-frames: it needs an extra: pip install 'dune-frames[cli]'\n")
        return _NOT_SET_UP
    except KeyboardInterrupt:
        return _INTERRUPTED
    except SystemExit as problem:
        return problem.code if isinstance(problem.code, int) else bool(problem.code)
