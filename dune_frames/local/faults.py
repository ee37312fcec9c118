"""Faults on demand: what goes wrong with the next requests that match."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dune_frames.local.endpoints import PATHS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: The names by which `LocalDune.inject` and the request log call the endpoints.
ENDPOINTS = tuple(PATHS)


@dataclass(frozen=True, slots=True)
class Status:
    """Answer with an HTTP error.

    Attributes
    ----------
    code : int
        The HTTP status.
    body : str or None
        The body. Without one it is ``{"error": ...}`` with the status's own words.
    headers : mapping of str to str
        Headers to add, for example ``{"Retry-After": "1"}``.
    acted : bool
        Whether the server does what was asked before it answers with the error: the run did start.
    """

    code: int
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    acted: bool = False


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the connection without an answer.

    Attributes
    ----------
    before : bool
        Whether it comes before the server does what was asked; else after it.
    """

    before: bool = True


@dataclass(frozen=True, slots=True)
class Truncate:
    """Cut the body short.

    Attributes
    ----------
    keep : int or float
        How much arrives: a number of bytes, or a fraction of the body below 1.
    lie : bool
        Whether Content-Length is that of the cut body, so that only its end tells. Else it is that
        of the whole body, and the connection closes early.
    """

    keep: int | float = 0.5
    lie: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Let the client wait, then go on as usual. Closing the server ends it at once.

    Attributes
    ----------
    seconds : float
        How long.
    before : bool
        Whether it comes before the server does what was asked; else after it.
    """

    seconds: float
    before: bool = True


@dataclass(frozen=True, slots=True)
class Drip:
    """Send the body in equal pieces with a pause before each.

    Attributes
    ----------
    seconds : float
        The pause before each piece.
    pieces : int
        How many pieces.
    """

    seconds: float
    pieces: int = 10


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer 200 with something that Dune would never say, as a proxy in between might.

    Attributes
    ----------
    body : str
        The body.
    content_type : str
        Its content type.
    acted : bool
        Whether the server does what was asked first.
    """

    body: str = "<html><body>Please log in to the network.</body></html>"
    content_type: str = "text/html; charset=utf-8"
    acted: bool = False


@dataclass(frozen=True, slots=True)
class Alter:
    """Answer as usual, but with another body or other headers: a page that contradicts itself.

    Attributes
    ----------
    body : callable or None
        From the true body to the one that is sent.
    headers : mapping of str to (str or None)
        Headers to set; None takes one away.
    """

    body: Callable[[bytes], bytes] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)


Fault = Status | Reset | Truncate | Hang | Drip | Garbage | Alter


@dataclass
class _Order:
    fault: Fault
    endpoint: str | None
    times: int
    skip: int

    def strikes(self, endpoint: str) -> bool:
        if self.times == 0 or self.endpoint not in (None, endpoint):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Faults:
    """The faults that are still to strike, oldest first."""

    def __init__(self) -> None:
        self._orders: list[_Order] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault, endpoint: str | None, times: int, skip: int) -> None:
        """Order a fault for the next requests to an endpoint."""
        if endpoint is not None and endpoint not in ENDPOINTS:
            raise ValueError(f"unknown endpoint {endpoint!r}; it is one of {', '.join(ENDPOINTS)}")
        with self._lock:
            self._orders.append(_Order(fault, endpoint, times, skip))

    def take(self, endpoint: str) -> Fault | None:
        """Return the fault that strikes this request, if any, and count it off."""
        with self._lock:
            struck = next((order for order in self._orders if order.strikes(endpoint)), None)
            self._orders = [order for order in self._orders if order.times]
        return struck.fault if struck else None

    def clear(self) -> None:
        """Forget every fault that has not struck yet."""
        with self._lock:
            self._orders = []
