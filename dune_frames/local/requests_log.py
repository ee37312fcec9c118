"""The log of requests: what the embedded Dune was asked, and what it answered."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as the server saw it. The API key is never kept.

    Attributes
    ----------
    endpoint : str
        The endpoint's name, one of `faults.ENDPOINTS`, or ``"unknown"``.
    method, path : str
        For example ``"GET"`` and ``"/api/v1/execution/01.../results"``.
    query : mapping of str to str
        The query parameters, without ``api_key``.
    body : object
        The JSON body, or None.
    key_sent : bool
        Whether a key came with the request.
    status : int or None
        The status that was answered; None where the connection was reset first.
    rows : int
        The rows that were exported.
    bytes_sent : int
        The bytes of body that were sent.
    """

    endpoint: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    key_sent: bool
    status: int | None
    rows: int
    bytes_sent: int


class RequestsLog:
    """Every request since the start or the last `clear`, in the order of their answers."""

    def __init__(self) -> None:
        self._records: list[RequestRecord] = []
        self._lock = threading.Lock()

    def add(self, record: RequestRecord) -> None:
        """Append a record."""
        with self._lock:
            self._records.append(record)

    def all(self) -> tuple[RequestRecord, ...]:
        """Return what was recorded so far."""
        with self._lock:
            return tuple(self._records)

    def clear(self) -> None:
        """Forget what was recorded so far."""
        with self._lock:
            self._records.clear()
