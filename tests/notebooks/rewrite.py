"""Run all notebooks and keep what they show: ``python tests/notebooks/rewrite.py [FILE ...]``.

A cell's kept output stays as it is where a run says the same, whatever ids and moments it had, so
that only what changed is changed in the files.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import nbformat
from kept import NOTEBOOKS, refreshed, run


def rewrite(path: Path) -> bool:
    """Run a notebook and write it anew; tell whether that changed it."""
    before = path.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as scratch:
        fresh = run(path, Path(scratch))
    nbformat.write(refreshed(nbformat.reads(before, as_version=4), fresh), path)
    return path.read_text(encoding="utf-8") != before


def main(names: list[str]) -> None:
    """Rewrite the notebooks named, or all."""
    for path in map(Path, names) if names else NOTEBOOKS:
        sys.stdout.write(f"{path.name}: {'rewritten' if rewrite(path) else 'as it was'}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
