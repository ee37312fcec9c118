"""Pages on disk: what has come of one execution, so that no row is exported again.

A stored page is an Arrow IPC file named after where it starts and where the next page starts:
``64000-96000.arrow``, or ``96000-end.arrow`` for the last one. It is written under another name and
renamed, so that a file that is there is whole, whoever writes, reads or is killed at that moment.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from bisect import bisect_right
from pathlib import Path
from typing import TYPE_CHECKING

from dune_frames._plan import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

_NAME = re.compile(r"(\d+)-(\d+|end)\.arrow")


class PageStore:
    """The stored pages of one execution in one schema, sorted and filtered in one way.

    Parameters
    ----------
    folder : Path
        Where they are; made with the first page, for the user alone.
    schema : pyarrow.Schema
        Of every page.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.folder = folder
        self._schema = schema
        self._after = self._scan()
        self._starts = sorted(self._after)

    def _scan(self) -> dict[int, int | None]:
        """Return where each stored page starts, and where the page after it does."""
        names = [path.name for path in self.folder.iterdir()] if self.folder.is_dir() else []
        found = [match for match in map(_NAME.fullmatch, names) if match]
        return {int(each[1]): None if each[2] == "end" else int(each[2]) for each in found}

    def __contains__(self, start: int) -> bool:
        """Tell whether a page that starts there is stored."""
        return start in self._after

    def after(self, start: int) -> int | None:
        """Return where the page after a stored one starts; `None` where the result ends with it."""
        return self._after[start]

    def next_start(self, offset: int) -> int | None:
        """Return where the first stored page behind an offset starts."""
        place = bisect_right(self._starts, offset)
        return self._starts[place] if place < len(self._starts) else None

    def load(self, start: int) -> Page | None:
        """Return a stored page; `None`, and no longer stored, where its file is damaged or gone."""
        import pyarrow as pa

        path = self._path(start, self._after[start])
        try:
            with pa.memory_map(str(path)) as file:
                table = pa.ipc.open_file(file).read_all()
        except (OSError, pa.ArrowInvalid):
            path.unlink(missing_ok=True)
            return None
        return Page(table, self._after[start], 0) if table.schema == self._schema else None

    def add(self, start: int, pages: Sequence[Page]) -> None:
        """Store consecutive pages as one. A full disk costs the storing, not the read."""
        import pyarrow as pa

        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
            part = Path(name)
            try:
                with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, self._schema) as writer:
                    for page in pages:
                        writer.write_table(page.table)
                part.replace(self._path(start, pages[-1].next_offset))
            finally:
                part.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, start: int, after: int | None) -> Path:
        return self.folder / f"{start}-{'end' if after is None else after}.arrow"
