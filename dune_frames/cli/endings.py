"""Endings: what each error says in the shell, and the exit status of every way to end."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from dune_frames import errors
from dune_frames.cli.messages import say

if TYPE_CHECKING:
    from collections.abc import Iterator

USAGE = 2
_OTHER = 1
_INTERRUPTED, _BROKEN_PIPE = 130, 141

#: Exit status, what it means, and the errors that mean it; the first that fits decides.
_STATUSES: tuple[tuple[int, str, tuple[type[BaseException], ...]], ...] = (
    (0, "done", ()),
    (_OTHER, "any other error", ()),
    (USAGE, "the command line cannot be meant", (errors.InvalidRequestError,)),
    (
        3,
        "no access: key, extra, rights or credits are missing",
        (
            errors.ConfigurationError,
            errors.AuthenticationError,
            errors.ForbiddenError,
            errors.PaymentRequiredError,
        ),
    ),
    (4, "nothing by that id", (errors.NotFoundError,)),
    (5, "the run failed, was cancelled, or has no whole result", (errors.ExecutionError,)),
    (
        6,
        "no usable answer: network, rate limit or a failing server; a run may go on",
        (errors.TransportError, errors.RateLimitError, errors.ServerError),
    ),
    (7, "the --timeout is over", (errors.DeadlineError,)),
    (_INTERRUPTED, "interrupted; a run that was started is cancelled", ()),
    (_BROKEN_PIPE, "nobody reads the output any more", ()),
)

#: What `--help` says of it. Older versions of typer make one paragraph of the lines.
EPILOG = ";\n".join(["Exit status: 0 done", *(f"{s} {means}" for s, means, _ in _STATUSES[1:])])

#: What to do next in the words of the shell, where the library's own advice speaks Python.
_ADVICE: tuple[tuple[type[errors.DuneError], str], ...] = (
    (errors.AuthenticationError, "set DUNE_API_KEY to a key from https://dune.com/settings/api"),
    (errors.PerformanceTierError, "leave --performance out"),
    (errors.PartialResultError, "narrow the query, or take that part with --allow-partial"),
    (errors.ResultExpiredError, "run the query again: --max-age 0"),
    (errors.RateLimitError, "wait a minute, or give a longer --timeout"),
    (errors.DeadlineError, "give a longer --timeout"),
    (
        errors.MaybeStartedError,
        "look for the run at https://dune.com/workspace/executions before running it again",
    ),
    (errors.IncompleteResultError, "nothing half-read was written"),
    (errors.DecodeError, "nothing half-read was written"),
)

#: Errors after which there is no run to go on from.
_NO_RUN = (errors.ExecutionError, errors.NotFoundError, errors.BadRequestError)


def _advice(error: errors.DuneError) -> str:
    own = next((text for kind, text in _ADVICE if isinstance(error, kind)), error.advice or "")
    if not error.execution_id or isinstance(error, _NO_RUN):
        return own
    command = "status" if isinstance(error, errors.DeadlineError) else "execution"
    return f"{own.rstrip('.')}; go on with: dune-frames {command} {error.execution_id}"


def text_of(error: errors.DuneError) -> str:
    """Return an error as one line; a failed query keeps its lines of SQL with the caret."""
    if isinstance(error, errors.QueryFailedError) and "\n" in error.message.strip():
        return f"error: {error.message.rstrip()}"
    advice = _advice(error).rstrip(".")
    line = f"error: {error.message}" + (f" ({advice})" if advice else "")
    if error.execution_id and error.execution_id not in line:
        line += f" [execution {error.execution_id}]"
    return " ".join(line.split())


def _status_of(error: errors.DuneError) -> int:
    for status, _, kinds in _STATUSES:
        if isinstance(error, kinds):
            return status
    return _OTHER


@contextmanager
def told() -> Iterator[None]:
    """End a command with the exit status and the message that its exception means."""
    try:
        yield
        sys.stdout.flush()
    except errors.DuneError as error:
        say(text_of(error))
        status = _status_of(error)
    except KeyboardInterrupt:
        status = _INTERRUPTED
    except BrokenPipeError:
        _let_go_of_stdout()
        status = _BROKEN_PIPE
    except OSError as error:
        say(f"error: {error}")
        status = _OTHER
    else:
        return
    raise typer.Exit(status)


def _let_go_of_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's own last flush has nothing to fail on."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


def end_on_signals() -> None:
    """Let a request to end (SIGTERM, a closed terminal) clean up as an interrupt does."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # What nohup has switched off stays off.
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _end)


def _end(number: int, _: object) -> None:
    raise SystemExit(128 + number)
