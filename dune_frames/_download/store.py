"""Pages on disk: what has come of one execution, so that no row is exported again.

A stored page is an Arrow IPC file named after where it starts and where the next page starts:
``64000-96000.arrow``, or ``96000-end.arrow`` for the last one. It is written under another name and
renamed, so that a file that is there is whole, whoever writes, reads or is killed at that moment.
(Compressed IPC writes six times faster than Parquet and reads ten times faster, for a file twice as
large.)
"""

from __future__ import annotations

import re
import secrets
import shutil
from bisect import bisect_right
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dune_frames._download.plan import Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pyarrow as pa

_NAME = re.compile(r"(\d+)-(\d+|end)\.arrow")


@contextmanager
def appearing(path: Path) -> Iterator[Path]:
    """Give a file of another name to write, and rename it when all went well."""
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}.tmp"
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


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
        self._after = self._scan()
        self._starts = sorted(self._after)

    def _scan(self) -> dict[int, int | None]:
        """Return where each stored page starts, and where the page after it does."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        found = [match for match in map(_NAME.fullmatch, names) if match]
        return {int(each[1]): None if each[2] == "end" else int(each[2]) for each in found}

    def page_at(self, offset: int) -> int | None:
        """Return where the stored page that holds an offset starts."""
        place = bisect_right(self._starts, offset) - 1
        if place < 0:
            return None
        start = self._starts[place]
        after = self._after[start]
        return start if after is None or after > offset else None

    def after(self, start: int) -> int | None:
        """Return where the page after a stored one starts; `None` where the result ends with it."""
        return self._after[start]

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
            after = self._after[page]
            if after is None:
                return True
            start = after
        return True

    def load(self, start: int) -> Page | None:
        """Return a stored page; `None` where its file is damaged or gone."""
        import pyarrow as pa

        path = self._path(start, self._after[start])
        try:
            with pa.memory_map(str(path)) as file:
                table = pa.ipc.open_file(file).read_all().select(self._schema.names)
        except (OSError, KeyError, pa.ArrowInvalid):
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        same = table.schema.equals(self._schema)
        return Page(table.cast(self._schema), self._after[start], 0) if same else None

    def add(self, start: int, pages: Sequence[Page]) -> None:
        """Store consecutive pages as one. A full disk costs the storing, not the read."""
        import pyarrow as pa

        if self._projects:
            return
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (
                appearing(self._path(start, pages[-1].next_offset)) as part,
                pa.ipc.new_file(str(part), self._schema, options=options) as writer,
            ):
                for page in pages:
                    writer.write_table(page.table)

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, start: int, after: int | None) -> Path:
        return self.folder / f"{start}-{'end' if after is None else after}.arrow"
