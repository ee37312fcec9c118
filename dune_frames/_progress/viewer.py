"""The viewer: draws a call that takes longer, a few times a second, from a thread of its own.

Between two events minutes can pass, and the call itself is busy waiting; the clock moves on all the
same. What goes wrong in drawing costs the drawing, never the call.
"""

from __future__ import annotations

import contextvars
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from dune_frames.progress import Event, ReadingSets, duration

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

logger = logging.getLogger("dune_frames")

#: What takes no longer than this is not shown, in seconds.
SHOWN_AFTER_SECONDS = 1.0
_REDRAW_SECONDS = 0.2
#: How long the end of a call waits for the last drawing, in seconds.
_LAST_DRAWING_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Asking:
    """Nothing has been heard of the run yet."""

    seconds: float = 0.0

    def __str__(self) -> str:
        return f"asking Dune, {duration(self.seconds)}"

    @property
    def fraction(self) -> None:
        """Nobody knows how much of it is done."""


Shown: TypeAlias = Event | Asking
Draw: TypeAlias = Callable[[Shown], object]


@dataclass(frozen=True, slots=True)
class Place:
    """Where people look.

    Attributes
    ----------
    opened : callable
        Opens it, and gives what draws there.
    thread : type
        Makes threads that may draw there.
    """

    opened: Callable[[], AbstractContextManager[Draw]]
    thread: type[threading.Thread] = threading.Thread


@dataclass(slots=True)
class Viewer:
    """Shows one call in a place.

    Attributes
    ----------
    place : Place
        Where.
    """

    place: Place
    _latest: tuple[Shown, float] = field(default=(Asking(), 0.0), init=False)
    _over: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def __call__(self, event: Event) -> None:
        """Take what is shown from now on; of many sets of parameters, how many are read."""
        if isinstance(event, ReadingSets) or not isinstance(self._latest[0], ReadingSets):
            self._latest = (event, time.monotonic())

    def start(self) -> None:
        """Show the call from now on."""
        self._latest = (Asking(), time.monotonic())
        self._over = threading.Event()
        # In the context of the caller: to a notebook it tells which cell this belongs to.
        show = contextvars.copy_context().run
        thread = self.place.thread(target=show, args=(self._show, self._over), daemon=True)
        with suppress(RuntimeError):  # no more threads
            thread.start()
            self._thread = thread

    def stop(self) -> None:
        """Remove what is shown."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(_LAST_DRAWING_SECONDS)

    def _show(self, over: threading.Event) -> None:
        if over.wait(SHOWN_AFTER_SECONDS):
            return
        try:
            with self.place.opened() as draw:
                while True:
                    draw(self._now())
                    if over.wait(_REDRAW_SECONDS):
                        return
        except Exception:
            logger.info("the progress could not be shown", exc_info=True)

    def _now(self) -> Shown:
        shown, at = self._latest
        return replace(shown, seconds=shown.seconds + time.monotonic() - at)
