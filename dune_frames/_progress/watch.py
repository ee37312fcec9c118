"""The watch: of one call, who is told what it does, and since when it does it."""

from __future__ import annotations

import inspect
import logging
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self

from dune_frames._in_a_cell import show_own_lines
from dune_frames._progress import notebooks, terminal
from dune_frames._progress.viewer import Place, Viewer
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from dune_frames.progress import Event, Progress

logger = logging.getLogger("dune_frames")


class Audience(Protocol):
    """Who is told."""

    def __call__(self, event: Event) -> object:
        """Take an event."""

    def start(self) -> object:
        """Take that the call begins."""

    def stop(self) -> object:
        """Take that the call is over."""


def refuse_other_progress(progress: object) -> None:
    """Raise when `progress=` is none of what it may be."""
    if inspect.iscoroutinefunction(progress):
        raise InvalidRequestError(
            "progress= is a coroutine function", advice="give a plain function; it is not awaited."
        )
    if progress is not None and not isinstance(progress, bool) and not callable(progress):
        raise InvalidRequestError(
            f"progress={progress!r} is neither None, True, False nor a function",
            advice="give a function that takes one event, see dune_frames.progress.",
        )


@dataclass(slots=True)
class Callback:
    """Tells a user's function, one event at a time. Where that fails, it is told no more.

    An interrupt that comes while it runs is not its failure, and ends the call as everywhere.
    """

    function: Callable[[Event], object]
    _failed: bool = field(default=False, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __call__(self, event: Event) -> None:
        """Tell it."""
        with self._lock:
            if self._failed:
                return
            try:
                self.function(event)
            except Exception as problem:  # noqa: BLE001 - whatever it is, it is not worth a read
                self._failed = True
                self._warn(problem)

    def _warn(self, problem: Exception) -> None:
        logger.warning("progress=%r failed", self.function, exc_info=problem)
        with suppress(Warning):  # where warnings are errors, this one still costs no read
            warnings.warn(
                f"progress={self.function!r} failed and is told no more: {problem!r}",
                RuntimeWarning,
                stacklevel=2,
            )

    def start(self) -> None:
        """Have nothing to do."""

    def stop(self) -> None:
        """Have nothing to do."""


@dataclass(slots=True)
class Watch:
    """Passes on what one call tells, with the time that each phase has taken.

    The call is watched from the first entry to the last exit: a call may consist of calls.

    Attributes
    ----------
    audience : Audience or None
        Who is told; `None` for nobody.
    """

    audience: Audience | None = None
    _since: dict[tuple[type[Event], str], float] = field(default_factory=dict, init=False)
    _entries: int = field(default=0, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @classmethod
    def of(cls, progress: Progress) -> Self:
        """Return the watch that a caller's `progress=` means."""
        if progress is False:
            return cls()
        if callable(progress):
            return cls(progress if isinstance(progress, Callback) else Callback(progress))
        place = _place(insist=progress is True)
        return cls(None if place is None else Viewer(place))

    @property
    def of_a_part(self) -> Progress:
        """What `progress=` is for a call that is a part of this one: it shows nothing itself."""
        return self.audience if isinstance(self.audience, Callback) else False

    def tell(self, event: Event) -> None:
        """Pass an event on, with the seconds since its phase began."""
        if self.audience is not None:
            now = time.monotonic()
            began = self._since.setdefault((type(event), getattr(event, "execution_id", "")), now)
            self.audience(replace(event, seconds=now - began))

    def __enter__(self) -> Self:
        with self._lock:
            self._entries += 1
            if self.audience is not None and self._entries == 1:
                self.audience.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if isinstance(error, KeyboardInterrupt):
            show_own_lines(error)
        with self._lock:
            self._entries -= 1
            if self.audience is not None and not self._entries:
                self.audience.stop()


def _place(*, insist: bool) -> Place | None:
    """Return where people look, if they do; who insists gets plain lines at least."""
    if notebooks.is_marimo():
        import marimo

        return Place(notebooks.below_a_marimo_cell, marimo.Thread)
    if notebooks.is_jupyter():
        return Place(notebooks.below_a_jupyter_cell)
    if terminal.is_watched():
        return Place(terminal.one_line)
    return Place(terminal.plain_lines) if insist else None
