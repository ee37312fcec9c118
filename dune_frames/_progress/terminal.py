"""On a terminal: one line at its bottom, gone at the end; elsewhere on stderr a line now and then.

rich draws the line. It comes with the extras `cli` and `notebook`.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import threading
import time
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._progress.viewer import Draw, Shown

#: Held by the call that has the line: of several calls side by side, one shows its progress.
_LINE = threading.Lock()
#: How often a plain line repeats a phase that lasts, in seconds.
_REPEAT_SECONDS = 10.0


def is_watched() -> bool:
    """Tell whether stderr is a terminal that can redraw a line."""
    try:
        watched = sys.stderr is not None and sys.stderr.isatty()
    except (OSError, ValueError):  # closed
        return False
    return watched and os.environ.get("TERM") != "dumb" and bool(importlib.util.find_spec("rich"))


@contextlib.contextmanager
def one_line() -> Iterator[Draw]:
    """Give what draws the line."""
    if not _LINE.acquire(blocking=False):
        yield lambda _: None
        return
    try:
        with _bar() as draw:
            yield draw
    finally:
        _LINE.release()


@contextlib.contextmanager
def _bar() -> Iterator[Draw]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

    waiting = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    counting = (*waiting, BarColumn())
    with Progress(
        *waiting,
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
        # What the program itself writes is none of our business.
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bar:
        task = bar.add_task("", total=1.0)

        def draw(shown: Shown) -> None:
            bar.columns = waiting if shown.fraction is None else counting
            done = shown.fraction or 0.0
            bar.update(task, description=str(shown), completed=done, refresh=True)

        yield draw


@contextlib.contextmanager
def plain_lines() -> Iterator[Draw]:
    """Give what writes a line for every phase, and again while it lasts."""
    kind: type[Shown] | None = None
    again = -inf

    def draw(shown: Shown) -> None:
        nonlocal kind, again
        now = time.monotonic()
        if kind is not type(shown) or now >= again:
            kind, again = type(shown), now + _REPEAT_SECONDS
            sys.stderr.write(f"dune_frames: {shown}\n")
            sys.stderr.flush()

    yield draw
