"""The command: ``python -m tests.bench [--rounds 3] [--rows 1000000] [--picture docs/benchmark.png]``.

With three rounds it takes about five minutes and three gigabytes of memory, most of it the server's.
Every reader runs once unmeasured before, so that the server has rendered every body.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from tests.bench.facts import FACTS
from tests.bench.picture import draw
from tests.bench.readers import Stored
from tests.bench.report import Measured, criteria, table
from tests.bench.rounds import Runs, interleaved, run_child, run_once
from tests.bench.server import Server, served

CLIENTS = (
    "dune_frames, pandas",
    "dune_frames, polars",
    "dune_frames, pyarrow",
    "dune_frames, pandas, cache=False",
    "dune_frames, pandas, format='json'",
    "dune-client",
    "dune-spice",
    "bare download, 8 connections",
    "bare download, 16 connections",
)
DECODERS = (
    "pyarrow.csv as strings",
    "JSON decoding, dune_frames",
    "JSON decoding, json + DataFrame",
)
#: A delay for the warm-up: small, yet requests come in the order in which they come with a large one.
_WARM_UP_DELAY = 0.05
_LARGE_SINK = 4


def _measure(server: Server, rows: int, rounds: int, delay: float) -> Measured:
    stored = Stored(server.store(rows), rows)
    _tell("warming up")
    server.delay(_WARM_UP_DELAY)
    interleaved(CLIENTS, stored, server.url, rounds=1)
    _tell(f"with {delay:g} s before each answer")
    server.delay(delay)
    slow = interleaved(CLIENTS, stored, server.url, rounds)
    _tell("without delay")
    server.delay(0)
    fast = interleaved((*CLIENTS, *DECODERS), stored, server.url, rounds)
    _tell("single calls")
    facts = {name: run_child("facts", name, url=server.url) for name in FACTS}
    _tell("sink_parquet")
    sinks = {rows: _sink(stored, server)}
    sinks[_LARGE_SINK * rows] = _sink(
        Stored(server.store(_LARGE_SINK * rows), _LARGE_SINK * rows), server
    )
    decoding = {name: fast.pop(name) for name in DECODERS}
    return Measured(delay, slow, fast, decoding, sinks, facts)


def _sink(stored: Stored, server: Server) -> Runs:
    """Run `sink_parquet` twice, the first time unmeasured."""
    run_once("sink_parquet", stored, server.url, Runs())
    runs = Runs()
    run_once("sink_parquet", stored, server.url, runs)
    return runs


def _tell(text: str) -> None:
    print(f"... {text}", file=sys.stderr, flush=True)


def _title(rows: int) -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("dune-client", "dune-spice"))
    return (
        f"{rows:,} rows of 11 columns; {versions}; "
        f"Python {platform.python_version()}, {os.cpu_count()} cores"
    )


def _report(measured: Measured) -> str:
    parts = [
        table(f"{measured.delay:g} s before each answer", measured.slow),
        table("no delay", measured.fast),
        table("decoding only", measured.decoding),
        table("sink_parquet", {f"{rows:,} rows": runs for rows, runs in measured.sinks.items()}),
        "\n".join(criterion.line() for criterion in criteria(measured)),
    ]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--delay", type=float, default=0.3, help="seconds before each answer")
    parser.add_argument("--picture", type=Path, help="where to save the figures as a PNG")
    chosen = parser.parse_args()
    with served() as server:
        measured = _measure(server, chosen.rows, chosen.rounds, chosen.delay)
    title = _title(chosen.rows)
    print(f"{title}\n\n{_report(measured)}")
    if chosen.picture:
        draw(measured, title, chosen.picture)


if __name__ == "__main__":
    main()
