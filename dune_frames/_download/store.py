"""Pages on disk: what has come of one execution, so that no row is exported again.

A stored page is an Arrow IPC file named after where it starts, where the next page starts, and the
checksum of its bytes: ``64000-96000-1c291ca3.arrow``, or ``96000-end-….arrow`` for the last one. It
is written under another name and renamed, so that a file that is there is whole, whoever writes,
reads or is killed at that moment; and what a disk has spoilt since is not believed.
(Compressed IPC writes six times faster than Parquet and reads ten times faster, for a file twice as
large.)
"""

from __future__ import annotations

import re
import secrets
import shutil
import zlib
from bisect import bisect_right
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from dune_frames._download.plan import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

_NAME = re.compile(r"(\d+)-(\d+|end)-([0-9a-f]{8})\.arrow")


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a file of another name to write, and rename it when all went well."""
    with _hidden(path.parent, path.name) as part:
        yield part
        part.replace(path)


@contextmanager
def _hidden(folder: Path, name: str) -> Iterator[Path]:
    """Give a file to write that is gone afterwards, unless it was renamed."""
    part = folder / f".{name}.{secrets.token_hex(4)}.tmp"
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _File:
    """A stored page: where it and the page after it start, and the checksum of its bytes."""

    start: int
    after: int | None
    checksum: int

    @classmethod
    def of(cls, name: str) -> _File | None:
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        return cls(int(found[1]), None if found[2] == "end" else int(found[2]), int(found[3], 16))

    @property
    def name(self) -> str:
        after = "end" if self.after is None else self.after
        return f"{self.start}-{after}-{self.checksum:08x}.arrow"

    @property
    def reach(self) -> float:
        return inf if self.after is None else self.after


class PageStore:
    """The stored pages of one execution, sorted and filtered in one way.

    Parameters
    ----------
    folder : Path
        Where they are; made with the first page, for the user alone.
    schema : pyarrow.Schema
        Of every page that is given out.
    projects : bool
        The pages on disk have more columns than are wanted. Such a store takes no pages.
    """

    def __init__(self, folder: Path, schema: pa.Schema, *, projects: bool = False) -> None:
        self.folder = folder
        self._schema = schema
        self._projects = projects
        self._files = self._scan()
        self._starts = sorted(self._files)

    def _scan(self) -> dict[int, _File]:
        """Return the stored pages by their starts: of several, the one that reaches farthest."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        files = [file for file in map(_File.of, names) if file]
        return {file.start: file for file in sorted(files, key=lambda each: each.reach)}

    def page_at(self, offset: int) -> int | None:
        """Return where the stored page that holds an offset starts."""
        place = bisect_right(self._starts, offset) - 1
        if place < 0:
            return None
        start = self._starts[place]
        after = self._files[start].after
        return start if after is None or after > offset else None

    def after(self, start: int) -> int | None:
        """Return where the page after a stored one starts; `None` where the result ends with it."""
        return self._files[start].after

    def next_start(self, offset: int) -> int | None:
        """Return where the first stored page behind an offset starts."""
        place = bisect_right(self._starts, offset)
        return self._starts[place] if place < len(self._starts) else None

    def covers(self, start: int, end: int | None) -> bool:
        """Tell whether every row from `start` to `end`, or to the result's own end, is stored."""
        while end is None or start < end:
            page = self.page_at(start)
            if page is None:
                return False
            after = self._files[page].after
            if after is None:
                return True
            start = after
        return True

    def load(self, start: int) -> Page | None:
        """Return a stored page; `None` where its file is damaged or gone."""
        import pyarrow as pa

        file = self._files[start]
        path = self.folder / file.name
        try:
            table = pa.ipc.open_file(_sound(path, file.checksum)).read_all()
            table = table.select(self._schema.names)
        except (OSError, KeyError, ValueError):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        same = table.schema.equals(self._schema)
        return Page(table.cast(self._schema), file.after, 0) if same else None

    def add(self, start: int, pages: Sequence[Page]) -> None:
        """Store consecutive pages as one. A full disk costs the storing, not the read."""
        import pyarrow as pa

        if self._projects:
            return
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _hidden(self.folder, str(start)) as part:
                with pa.ipc.new_file(str(part), self._schema, options=options) as writer:
                    for page in pages:
                        writer.write_table(page.table)
                file = _File(start, pages[-1].next_offset, zlib.crc32(_content(part)))
                part.replace(self.folder / file.name)

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _sound(path: Path, checksum: int) -> pa.Buffer:
    """Return what a file holds, if that is what was written."""
    content = _content(path)
    if zlib.crc32(content) != checksum:
        raise ValueError(f"{path.name} has another content than its name says")
    return content


def _content(path: Path) -> pa.Buffer:
    import pyarrow as pa

    with pa.memory_map(str(path)) as file:
        return file.read_buffer()
