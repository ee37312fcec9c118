"""The rounds: every reader in turn, again and again, each time in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from tests.bench.server import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.readers import Stored


def run_child(module: str, *arguments: str, url: str = "") -> Any:
    """Run a module of the benchmark in a process of its own; return what it prints as JSON.

    It starts with an empty cache. This process stays small, because on Linux a child's peak memory
    counts from its parent's.
    """
    settings = {"DUNE_API_BASE_URL": url, "DUNE_API_KEY": "local", "NO_PROXY": "127.0.0.1"}
    with TemporaryDirectory() as cache:
        done = subprocess.run(
            [sys.executable, "-m", f"tests.bench.{module}", *arguments],
            cwd=ROOT,
            env=os.environ | settings | {"DUNE_FRAMES_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{module} {' '.join(arguments)} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])


@dataclass(slots=True)
class Runs:
    """What one reader did, run after run.

    Attributes
    ----------
    seconds : list of float
        Wall time without imports.
    peaks : list of int
        Peak memory of the process, in bytes.
    """

    seconds: list[float] = field(default_factory=list)
    peaks: list[int] = field(default_factory=list)

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)

    @property
    def peak(self) -> float:
        """The median of the peaks, in MB."""
        return median(self.peaks) / 1e6


def run_once(name: str, stored: Stored, url: str, into: Runs) -> None:
    """Run a reader once, and see to it that it read every row it should."""
    seen = run_child("readers", name, stored.execution_id, str(stored.rows), url=url)
    if not 0 < seen["rows"] <= stored.rows:
        raise RuntimeError(f"{name} read {seen['rows']} of {stored.rows} rows")
    into.seconds.append(seen["seconds"])
    into.peaks.append(seen["peak"])


def interleaved(names: Iterable[str], stored: Stored, url: str, rounds: int) -> dict[str, Runs]:
    """Run each reader once a round, so that what disturbs the machine disturbs all alike."""
    runs = {name: Runs() for name in names}
    for _ in range(rounds):
        for name, into in runs.items():
            run_once(name, stored, url, into)
    return runs
