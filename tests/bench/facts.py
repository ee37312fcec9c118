"""Facts about one call: what an import loads, how late a run is noticed, how much is asked.

``python -m tests.bench.facts NAME`` prints one of them as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.bench.server import QUERY_ID, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEAVY = ("pandas", "polars", "pyarrow", "requests")
_STARTS = 10
#: Runs of about three seconds, so that the result does not hang on where the polls happen to fall.
_RUN_SECONDS = (2.8, 3.0, 3.2, 3.4)
_FEW_ROWS = 100


def _loaded() -> list[str]:
    return [name for name in HEAVY if name in sys.modules]


def import_loads() -> list[str]:
    """Return which heavy libraries `import dune_frames` loads."""
    import dune_frames  # noqa: F401

    return _loaded()


def polars_loads() -> list[str]:
    """Return which heavy libraries are loaded after a read into polars."""
    import dune_frames as dune

    dune.read_dune_query(QUERY_ID, frame="polars")
    return _loaded()


def import_milliseconds() -> float:
    """Return what `import dune_frames` takes over bare Python: a difference of medians."""
    lines: dict[str, list[float]] = {"pass": [], "import dune_frames": []}
    with _compiled() as environment:
        for _ in range(_STARTS):
            for line, seconds in lines.items():
                seconds.append(_seconds_of(line, environment))
    bare, full = (median(seconds[1:]) for seconds in lines.values())
    return 1000 * (full - bare)


@contextmanager
def _compiled() -> Iterator[Mapping[str, str]]:
    """Return an environment in which modules are compiled once, as those of installed packages."""
    with tempfile.TemporaryDirectory() as directory:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        yield kept | {"PYTHONPYCACHEPREFIX": directory}


def _seconds_of(line: str, environment: Mapping[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", line], check=True, cwd=ROOT, env=environment)
    return time.perf_counter() - start


def seconds_late() -> float:
    """Return how late the end of a run of three seconds is noticed, at worst of several runs."""
    with ThreadPoolExecutor(len(_RUN_SECONDS)) as pool:
        return max(pool.map(_seconds_late, _RUN_SECONDS))


def _seconds_late(run_seconds: float) -> float:
    from dune_frames.local import LocalDune

    with LocalDune(execution_seconds=run_seconds) as server:
        status = server.client().execute_sql("SELECT 1 AS one").wait()
        if status.ended_at is None:
            raise RuntimeError("a finished run has no end")
        return time.time() - status.ended_at.timestamp()


def few_rows_requests() -> int:
    """Return how many requests a read of 100 stored rows takes, at most, by query or execution."""
    from dune_frames.local import LocalDune
    from tests.bench.trades import TYPES, trades

    with LocalDune() as server:
        frame = trades(_FEW_ROWS)
        execution_id = server.store_result(frame, types=TYPES, query_id=QUERY_ID)
        return max(
            _requests_of(server, lambda: server.client().read_query(QUERY_ID)),
            _requests_of(server, lambda: server.client().read_execution(execution_id)),
        )


def _requests_of(server: Any, read: Any) -> int:
    server.clear_requests()
    read()
    return len(server.requests)


FACTS = {
    fact.__name__: fact
    for fact in (
        import_loads,
        polars_loads,
        import_milliseconds,
        seconds_late,
        few_rows_requests,
    )
}


if __name__ == "__main__":
    print(json.dumps(FACTS[sys.argv[1]]()))
