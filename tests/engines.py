"""What each way needs: memory and time to bring a large result into Parquet files.

``PYTHONPATH=. python tests/engines.py 1000000`` prints the figures for a million rows of trades, on
two cores. The memory is the largest of a process and all that it started, the server's left out.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.bench.server import served

KEY = "any-key-will-do"
_MEBIBYTE = 1 << 20
_SAMPLE_SECONDS = 0.05


def sink(url: str, execution_id: str, folder: str) -> None:
    """One process, a few pages at a time."""
    from dune_frames import Dune

    run = Dune(base_url=url).execution(execution_id)
    run.sink_parquet(f"{folder}/trades.parquet", cache=False)


def pandas(url: str, execution_id: str, folder: str) -> None:
    """One process, the whole frame."""
    from dune_frames import Dune

    client = Dune(base_url=url)
    frame = client.read_execution(execution_id, uint256="string", cache=False)
    frame.to_parquet(f"{folder}/trades.parquet")


def polars(url: str, execution_id: str, folder: str) -> None:
    """One process, the whole frame."""
    from dune_frames import Dune

    client = Dune(base_url=url)
    frame = client.read_execution(execution_id, frame="polars", cache=False)
    frame.write_parquet(f"{folder}/trades.parquet")


def dask(url: str, execution_id: str, folder: str) -> None:
    """Two workers of one thread."""
    from distributed import Client, LocalCluster

    from dune_frames import Dune
    from dune_frames.dask import read_dune_execution

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        frame = read_dune_execution(
            execution_id, client=Dune(base_url=url), uint256="string", cache=False
        )
        frame.to_parquet(folder)


def spark(url: str, execution_id: str, folder: str) -> None:
    """A JVM of two cores with its Python workers."""
    from pyspark.sql import SparkSession

    from dune_frames.spark import DuneDataSource

    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "1g")
        .getOrCreate()
    )
    session.dataSource.register(DuneDataSource)
    options = {"base_url": url, "execution_id": execution_id, "cache": "false"}
    session.read.format("dune").options(**options).load().write.parquet(f"{folder}/trades")
    session.stop()


WAYS = {way.__name__: way for way in (sink, polars, pandas, dask, spark)}


def measure(command: list[str]) -> tuple[float, float]:
    """Run a command; return the seconds that it takes and its largest memory in MiB."""
    began, most = time.monotonic(), 0
    environment = os.environ | {"DUNE_API_KEY": KEY, "PYSPARK_PYTHON": sys.executable}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            most = max(most, sum(map(_memory, [process.pid, *_descendants(process.pid)])))
            time.sleep(_SAMPLE_SECONDS)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return time.monotonic() - began, most / _MEBIBYTE


def _memory(pid: int) -> int:
    """Return what a process holds, its share of what it shares with others."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text(encoding="ascii").split():
                found += [int(child), *_descendants(int(child))]
    return found


def main() -> None:
    """Print a line for each way, or go one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=int, nargs="?", default=1_000_000)
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--only", choices=WAYS, action="append")
    parser.add_argument("--of", nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.way:
        with tempfile.TemporaryDirectory() as folder:
            WAYS[told.way](*told.of, folder)
        return
    with served() as server:
        execution_id = server.store(told.rows)
        for way in told.only or WAYS:
            command = [sys.executable, __file__, "--way", way, "--of", server.url, execution_id]
            measure(command)  # the server renders its pages the first time
            seconds, memory = measure(command)
            print(f"{way:8} {seconds:6.1f} s {memory:8.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
