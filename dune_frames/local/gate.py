"""The gate: whose requests are answered, and how many of them in a minute."""

from __future__ import annotations

import hmac
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from dune_frames.local.answers import RefusedError
from dune_frames.local.endpoints import STARTS_RUNS

if TYPE_CHECKING:
    from collections.abc import Callable

_MINUTE = 60.0
#: Dune's plans allow fewer requests that start runs: 15 beside 40 others, 70 beside 200, see
#: https://docs.dune.com/api-reference/overview/rate-limits
_RUNS_IN_ALL = 15 / 40


def any_key(key: str) -> bool:
    """Accept whatever is a key at all."""
    return bool(key)


def only_key(wanted: str) -> Callable[[str], bool]:
    """Accept one key alone."""
    return lambda key: hmac.compare_digest(key.encode(), wanted.encode())


class Gate:
    """Lets requests in that bring a key, as many in a minute as the plan allows.

    Parameters
    ----------
    accepts : callable
        Whether a key is accepted.
    rate_limit : int or None
        Requests in any sixty seconds; those that start runs are counted for themselves and may be
        three eighths of it. None lets every one in.
    clock : callable
        Tells the seconds.
    """

    def __init__(
        self,
        accepts: Callable[[str], bool],
        rate_limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accepts = accepts
        self._limit = rate_limit
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Forget how many were let in."""
        self._lock = threading.Lock()
        self._let_in: dict[bool, deque[float]] = {True: deque(), False: deque()}

    def check(self, endpoint: str, key: str) -> None:
        """Let a request in.

        Raises
        ------
        RefusedError
            Its key is not accepted, or there were too many.
        """
        if not self._accepts(key):
            raise RefusedError(401, "invalid API Key")
        if self._limit is not None and not self._counted(self._limit, endpoint in STARTS_RUNS):
            raise RefusedError(429, "Too Many Requests")

    def _counted(self, limit: int, starts_run: bool) -> bool:
        allowed = max(int(limit * _RUNS_IN_ALL), 1) if starts_run else limit
        with self._lock:
            moments, now = self._let_in[starts_run], self._clock()
            while moments and now - moments[0] >= _MINUTE:
                moments.popleft()
            if len(moments) >= allowed:
                return False
            moments.append(now)
            return True
