"""The shell as users run it: child processes, and the Dune that they talk to."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dune_frames
from dune_frames.local import LocalDune

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where the package under test is imported from: children run the same one.
SOURCE = Path(dune_frames.__file__).parents[1]
PROGRAM = (sys.executable, "-m", "dune_frames.cli")
#: Children that run side by side, where a test has several.
SIDE_BY_SIDE = 3


@dataclass(frozen=True)
class Ended:
    """How a child process ended."""

    status: int
    out: str
    err: str
    raw: bytes

    @property
    def error_line(self) -> str:
        """The only line of stderr, of a command that wrote nothing to stdout."""
        assert self.out == ""
        (line,) = self.err.splitlines()
        return line


@dataclass(frozen=True)
class Shell:
    """Runs the program in child processes, in a folder and an environment of their own."""

    folder: Path
    environment: dict[str, str]

    def __call__(self, *words: str, stdin: str = "", **environment: str) -> Ended:
        """Run it to its end."""
        return _ended(self._start([*PROGRAM, *words], environment), stdin)

    def together(self, *commands: list[str]) -> list[Ended]:
        """Run several, some of them side by side, each to its end."""
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return list(pool.map(lambda words: self(*words), commands))

    @contextmanager
    def started(self, *words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start it; at the latest it ends with the block."""
        with self._start([*PROGRAM, *words], environment) as process:
            try:
                yield process
            finally:
                process.kill()

    def python(self, code: str, *words: str) -> Ended:
        """Run Python code that starts the program in its own way, to its end."""
        return _ended(self._start([sys.executable, "-c", code, *words]))

    def using(self, dune: LocalDune) -> Shell:
        """Return the shell with the variables of an embedded Dune."""
        settings = {"DUNE_API_BASE_URL": dune.url, "DUNE_API_KEY": "local"}
        return replace(self, environment=self.environment | settings)

    def _start(
        self, command: list[str], environment: dict[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | (environment or {}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


def _ended(process: subprocess.Popen[bytes], stdin: str = "") -> Ended:
    try:
        out, err = process.communicate(stdin.encode(), timeout=60)
    finally:
        process.kill()
    return Ended(process.returncode, out.decode(errors="replace"), err.decode(), out)


@pytest.fixture(scope="session")
def dune():
    """One embedded Dune for all children."""
    with LocalDune() as running:
        yield running


def _new_shell(make_folder: pytest.TempPathFactory) -> Shell:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUNE_")}
    own = {
        "PYTHONPATH": str(SOURCE),
        "DUNE_FRAMES_CACHE_DIR": str(make_folder.mktemp("cache")),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        # As for an installed program: what was compiled once is not compiled at every start.
        "PYTHONDONTWRITEBYTECODE": "",
    }
    return Shell(make_folder.mktemp("shell"), kept | own)


@pytest.fixture
def bare_shell(tmp_path_factory):
    """A shell that knows neither address nor key."""
    return _new_shell(tmp_path_factory)


@pytest.fixture
def shell(bare_shell, dune):
    """A shell whose environment points to the embedded Dune."""
    dune.clear_requests()
    return bare_shell.using(dune)


@pytest.fixture(scope="module")
def lasting_shell(tmp_path_factory, dune):
    """The same for all tests of a module."""
    return _new_shell(tmp_path_factory).using(dune)
