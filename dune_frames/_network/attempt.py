"""The attempt: one sending of one request, how long it may take, and how far it has come."""

from __future__ import annotations

import threading
import time
from contextvars import ContextVar
from dataclasses import dataclass, field

CONNECT_SECONDS = 10.0
#: The longest silence while an answer is awaited or read.
READ_SECONDS = 120.0
#: How often a blocked read looks whether anybody still waits for it.
_WAKE_SECONDS = 0.2


@dataclass(slots=True)
class Attempt:
    """One sending of one request.

    Attributes
    ----------
    until : float
        When it has to be over, on the clock of `time.monotonic`.
    stopped : threading.Event
        Set when nobody waits for the answer any more.
    sent : bool
        Whether a byte of the request may have left. Before that, it provably did nothing.
    """

    until: float
    stopped: threading.Event = field(default_factory=threading.Event)
    sent: bool = False

    @classmethod
    def lasting(cls, seconds: float, stopped: threading.Event | None = None) -> Attempt:
        """Return an attempt that starts now."""
        return cls(time.monotonic() + seconds, stopped or threading.Event())

    @property
    def rest(self) -> float:
        """The seconds that are left, never quite none: no timeout of the network is zero."""
        return max(self.until - time.monotonic(), 0.001)

    def patience(self, silent_since: float) -> float:
        """Return the seconds that the next read may block.

        Raises
        ------
        TimeoutError
            The attempt is over, or the silence has lasted too long.
        ConnectionAbortedError
            Nobody waits any more.
        """
        if self.stopped.is_set():
            raise ConnectionAbortedError("nobody waits for the answer any more")
        left = min(self.until, silent_since + READ_SECONDS) - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return min(left, _WAKE_SECONDS)


#: The attempt that this thread is making. The connection finds it here, below all that `requests`
#: and `urllib3` put in between.
CURRENT: ContextVar[Attempt] = ContextVar("attempt")
