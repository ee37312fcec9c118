"""How long a call may take, and how fast all calls of one client may go."""

from __future__ import annotations

import random
import time
from math import inf

from dune_frames.errors import DeadlineError


class Deadline:
    """The moment at which a call is over; without `seconds`, never."""

    def __init__(self, seconds: float | None = None) -> None:
        self._seconds = inf if seconds is None else seconds
        self._end = time.monotonic() + self._seconds

    def rest(self) -> float:
        """Return the seconds that are left; infinity where there is no end."""
        return max(self._end - time.monotonic(), 0.0)

    def check(self) -> None:
        """Raise when the moment is past."""
        if self.rest() <= 0:
            raise DeadlineError(f"the call took longer than timeout={self._seconds:g} seconds")


class Pace:
    """How fast one client may go, by what the server told: shared by all its calls.

    Attributes
    ----------
    is_told : bool
        Whether the state of a run has been seen, and with it how many the account may have.
    runs : int or None
        How many runs the account may have under way at once, where a state told it.
    """

    def __init__(self) -> None:
        self._not_before = 0.0
        self.is_told = False
        self.runs: int | None = None

    def allow(self, runs: int | None) -> None:
        """Take note of how many runs at once a state tells; some tell nothing."""
        self.runs = runs or self.runs
        self.is_told = True

    def hold(self, seconds: float) -> None:
        """Let no request go for a while."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def pause(self) -> float:
        """Return how long the next request has to wait, so that not all go at the same moment."""
        return max(self._not_before - time.monotonic(), 0.0) * random.uniform(1.0, 1.2)  # noqa: S311
