"""The server: the embedded Dune in a process of its own, so that it shares no reader's GIL."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
QUERY_ID = 1
#: Room for every body that every reader asks for, so that a measured request renders nothing.
_BODY_CACHE_MB = 6144
_ALL = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Server:
    """The process of the server, seen from the benchmark.

    Attributes
    ----------
    url : str
        Its base address.
    """

    process: subprocess.Popen[str]
    url: str

    def delay(self, seconds: float) -> None:
        """Let every request from now on wait before it is answered."""
        _ask(self.process, {"delay": seconds})

    def store(self, rows: int) -> str:
        """Store so many trades as the latest result of the query; return the execution id."""
        return _ask(self.process, {"store": rows})


@contextmanager
def served() -> Iterator[Server]:
    """Serve while the context lasts."""
    command = [sys.executable, "-m", __name__]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process, _ask(process, {"url": None}))
        process.communicate()


def _ask(process: subprocess.Popen[str], order: dict[str, Any]) -> str:
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the server has no pipes")
    process.stdin.write(json.dumps(order) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline().strip()
    if not answer:
        raise RuntimeError("the server has ended")
    return answer


def _serve() -> None:
    """Carry out the orders on standard input, one a line, until it ends."""
    from dune_frames.local import Hang, LocalDune
    from tests.bench.trades import TYPES, trades

    with LocalDune(body_cache_mb=_BODY_CACHE_MB, max_datapoints=10**9) as dune:
        for line in sys.stdin:
            order = json.loads(line)
            if "store" in order:
                frame = trades(order["store"])
                print(dune.store_result(frame, types=TYPES, query_id=QUERY_ID), flush=True)
            else:
                dune.clear_faults()
                dune.inject(Hang(order.get("delay", 0)), times=_ALL)
                print(dune.url, flush=True)


if __name__ == "__main__":
    _serve()
