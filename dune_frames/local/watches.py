"""Watches: runs that end when they are cancelled, take too long or need too much memory.

DuckDB looks at an interrupt between pieces of work, and counts the memory of its own buffers. What
a lambda makes inside one expression is neither, so lambdas ask their run's watch themselves, with
the macro ``ticks``.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY = 0.01
#: Where Linux tells how much memory a process has; elsewhere only DuckDB's own limit holds.
_MEMORY_FILE = Path("/proc/self/statm")
#: What a process may take beside DuckDB's buffers while a query runs.
_BESIDE = 512 * 2**20


class Watch:
    """What ends one run.

    Parameters
    ----------
    stopped : threading.Event
        Set when it is cancelled.
    timeout : float
        Seconds that it may take.
    memory : int
        Bytes that the process may grow by while it runs.
    """

    def __init__(self, stopped: threading.Event, timeout: float, memory: int) -> None:
        self._stopped = stopped
        self._deadline = time.monotonic() + timeout
        self._most = _memory() + memory + _BESIDE
        self._is_full = False

    def check(self) -> None:
        """Return when the run may go on.

        Raises
        ------
        duckdb.OutOfMemoryException, duckdb.InterruptException
            It may not.
        """
        self._is_full = self._is_full or _memory() > self._most
        if self._is_full:
            raise duckdb.OutOfMemoryException("the process has grown too much")
        if self._stopped.is_set() or time.monotonic() > self._deadline:
            raise duckdb.InterruptException("INTERRUPT Error: Interrupted!")


class Watches:
    """The watches of the runs of one database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._watches: dict[str, Watch] = {}
        make: Any = connection.create_function
        make("tick", self._tick, ["VARCHAR", "BIGINT"], "BIGINT", type="arrow")
        connection.execute("CREATE MACRO ticks(n) AS tick(getvariable('run'), n)")

    @contextmanager
    def over(self, cursor: duckdb.DuckDBPyConnection, watch: Watch) -> Iterator[None]:
        """Watch what a cursor runs, and interrupt it when it may not go on.

        Raises
        ------
        duckdb.OutOfMemoryException, duckdb.InterruptException
            It may not go on; also where the SQL caught this itself.
        """
        run = f"{id(watch):x}"
        self._watches[run] = watch
        cursor.execute(f"SET VARIABLE run = '{run}'")
        done = threading.Event()
        thread = threading.Thread(
            target=_interrupt, args=(cursor, watch, done), daemon=True, name="dune-frames-watch"
        )
        thread.start()
        try:
            yield
        except duckdb.Error:
            watch.check()
            raise
        finally:
            done.set()
            thread.join()
            del self._watches[run]
        watch.check()

    def _tick(self, runs: pa.ChunkedArray, counts: pa.ChunkedArray) -> pa.Array:
        if len(runs):
            watch = self._watches.get(runs[0].as_py())
            if watch is not None:
                watch.check()
        return pa.repeat(pa.scalar(0, pa.int64()), len(counts))


def _interrupt(cursor: duckdb.DuckDBPyConnection, watch: Watch, done: threading.Event) -> None:
    while not done.wait(_EVERY):
        try:
            watch.check()
        except duckdb.Error:
            cursor.interrupt()


def _memory() -> int:
    """Return the memory of this process in bytes, 0 where nothing tells it."""
    try:
        pages = _MEMORY_FILE.read_text("ascii").split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
