"""The cache: what this user has read before, by execution.

The rows of a finished execution never change, so what is kept under an execution's id cannot be
wrong; only what is missing or damaged has to be fetched. Layout, below the cache folder::

    v1/<host>-<account>/executions/<execution id>/status.json       its final status
                                                 /<what was asked>/ its pages, see `store`
                       /runs/<query or SQL and parameters>          the id of its latest run

The account is a digest of the API key; the key itself is nowhere.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dune_frames._download.store import PageStore, appearing
from dune_frames._wire.answers import Metadata, Status
from dune_frames.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._download.plan import Plan

FOLDER_VARIABLE = "DUNE_FRAMES_CACHE_DIR"
SIZE_VARIABLE = "DUNE_FRAMES_CACHE_MB"
#: What the cache may hold before the least recently used executions go, in megabytes.
DEFAULT_MEGABYTES = 10_000.0
_MEGABYTE = 1_000_000


def cache_folder() -> Path:
    """Return the folder of the cache: ``DUNE_FRAMES_CACHE_DIR``, or the user's own cache folder."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    try:
        import platformdirs
    except ImportError:
        return Path.home() / ".cache" / "dune_frames"
    return Path(platformdirs.user_cache_dir("dune_frames", appauthor=False))


def cache_size() -> int:
    """Return the bytes that the cache holds."""
    return sum(size for _, _, size in _executions(cache_folder()))


def clear_cache() -> None:
    """Delete all that the cache holds."""
    shutil.rmtree(cache_folder() / "v1", ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Cache:
    """The part of the cache that belongs to one address and one account.

    Attributes
    ----------
    folder : Path
        Where it is. Nothing is made before something is kept.
    """

    folder: Path

    @classmethod
    def of(cls, base_url: str, account: str) -> Cache:
        """Return the part for an address and an account's digest."""
        _allowed_bytes()  # so that a setting that cannot be meant is refused before rows are paid
        host = urlsplit(base_url).netloc.replace(":", "_")
        return cls(cache_folder() / "v1" / f"{host}-{account}")

    def known(self, question: str) -> Status | None:
        """Return the final status of the latest run of a question that was kept."""
        with suppress(OSError, ValueError, TypeError, KeyError):
            execution_id = _read(self._run(question))
            return _status_of(json.loads(_read(self._execution(execution_id) / "status.json")))
        return None

    def keep(self, question: str, status: Status) -> None:
        """Keep the final status of a question's latest run."""
        if not status.is_finished or status.metadata is None or status == self.known(question):
            return
        text = json.dumps(asdict(status), default=datetime.isoformat)
        _write(self._execution(status.execution_id) / "status.json", text)
        for name in (question, f"execution {status.execution_id}"):
            _write(self._run(name), status.execution_id)

    def pages(self, plan: Plan) -> PageStore:
        """Return the kept pages of an execution for what is asked of it, and mark it as used."""
        folder = self._execution(plan.execution_id)
        with suppress(OSError):
            os.utime(folder)
        if plan.key != plan.whole_key:
            whole = PageStore(folder / plan.whole_key, plan.schema, projects=True)
            if whole.covers(plan.window.start, plan.end):
                return whole
        return PageStore(folder / plan.key, plan.schema)

    def _execution(self, execution_id: str) -> Path:
        name = execution_id if execution_id.isalnum() else _digest(execution_id)
        return self.folder / "executions" / name

    def _run(self, question: str) -> Path:
        return self.folder / "runs" / _digest(question)


def _write(path: Path, text: str) -> None:
    """Write a small file, its checksum first; a full disk costs the keeping, not the read."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with appearing(path) as part:
            part.write_text(f"{zlib.crc32(text.encode()):08x} {text}", encoding="utf-8")


def _read(path: Path) -> str:
    """Return what a small file holds, if that is what was written."""
    checksum, _, text = path.read_text(encoding="utf-8").partition(" ")
    if int(checksum, 16) != zlib.crc32(text.encode()):
        raise ValueError(f"{path.name} has another content than was written")
    return text


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


_TIMES = ("submitted_at", "started_at", "ended_at", "cancelled_at", "expires_at")


def _status_of(kept: dict[str, Any]) -> Status:
    times = {name: datetime.fromisoformat(kept[name]) for name in _TIMES if kept[name]}
    told = kept["metadata"]
    lists = {
        name: None if told[name] is None else tuple(told[name])
        for name in ("column_names", "column_types")
    }
    return Status(**(kept | times | {"metadata": Metadata(**(told | lists)), "failure": None}))


def _allowed_bytes() -> float:
    told = os.environ.get(SIZE_VARIABLE) or DEFAULT_MEGABYTES
    with suppress(ValueError):
        if float(told) >= 0:
            return float(told) * _MEGABYTE
    raise ConfigurationError(
        f"{SIZE_VARIABLE}={told!r} is no size", advice="give megabytes from 0 on, or leave it out."
    )


def trim() -> None:
    """Delete the least recently used executions while the cache holds more than it may."""
    allowed = _allowed_bytes()
    kept = sorted(_executions(cache_folder()))
    held = sum(size for _, _, size in kept)
    for _, folder, size in kept:
        if held <= allowed:
            return
        shutil.rmtree(folder, ignore_errors=True)
        held -= size


def _executions(folder: Path) -> Iterator[tuple[float, Path, int]]:
    """Yield when each execution was last used, its folder and its bytes."""
    for execution in folder.glob("v1/*/executions/*"):
        with suppress(OSError):
            size = sum(path.stat().st_size for path in execution.rglob("*") if path.is_file())
            yield execution.stat().st_mtime, execution, size
