"""The notebooks run from top to bottom, and what their files keep is what a run shows."""

from __future__ import annotations

import re

import nbformat
import pandas as pd
import pytest
from kept import NOTEBOOKS, code_cells, differences, run

#: What a kept output must not have: a path of the machine that it was made on, or a complaint.
PATHS = re.compile(
    r"(?<![\w.:/-])/(?:bin|etc|home|mnt|opt|private|root|srv|tmp|usr|var|work|Users)/"
)
COMPLAINTS = re.compile(r"Traceback|Warning|deprecated|\bobject at 0x|site-packages")
LARGEST = 150_000


@pytest.mark.notebook
@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_keeps(path, tmp_path):
    """In a fresh kernel without an account no cell fails, and every output is the kept one."""
    kept = nbformat.read(path, as_version=4)
    fresh = run(path, tmp_path)
    if pd.__version__ < "3":
        return  # the kept frames are as pandas 3 prints them
    found = [
        f"{path.name}, cell {old.id}: {difference}"
        for old, new in zip(code_cells(kept), code_cells(fresh), strict=True)
        for difference in differences(old, new)
    ]
    assert not found, "\n".join([*found, "python tests/notebooks/rewrite.py keeps the new ones"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_keeps_nothing_of_the_machine(path):
    """Kept outputs have no paths, warnings and tracebacks; files are small and have no metadata of a run."""
    text = path.read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    assert not PATHS.search(text)
    assert len(text) < LARGEST
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
    for count, cell in enumerate(code_cells(notebook), 1):
        assert cell.execution_count == count
        for output in cell.outputs:
            assert output.get("name") != "stderr"
            assert not COMPLAINTS.search(str(output))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_says_how_to_use_the_real_dune(path):
    """Its first cell names the key and the client; the first code starts the embedded Dune."""
    first, setup, *_ = nbformat.read(path, as_version=4).cells
    assert first.cell_type == "markdown"
    assert "DUNE_API_KEY" in first.source
    assert "dune.Dune()" in first.source
    assert "LocalDune().start()" in setup.source


def _cell(*outputs, tags=()):
    cell = nbformat.v4.new_code_cell("...", metadata={"tags": list(tags)})
    cell.outputs = [nbformat.v4.new_output("stream", text=each) for each in outputs]
    return cell


@pytest.mark.parametrize(
    ("kept", "fresh", "tags", "same"),
    [
        ("3 rows", "3 rows", (), True),
        ("3 rows", "4 rows", (), False),
        ("run 01M8803RPDN3J1QZRTN715SQTA", "run 01M87ZX90BFR2R06FPJVNBX5A2", (), True),
        ("at 2026-01-05 00:01:14 UTC", "at 2026-01-05 00:01:15 UTC", (), False),
        ("ended 2026-11-24T23:46:04.242610+00:00", "ended 2026-12-24T23:46:04.1+00:00", (), False),
        ("ended 2026-11-24T23:46:04.242610+00:00", "ended 2026-12-24T23:46:04.123+00:00", (), True),
        ("512 MB   used", "1,020 MB used", ("within-2",), True),
        ("512 MB used", "1,025 MB used", ("within-2",), False),
        ("512 MB used", "512 MB free", ("within-2",), False),
        ("512 MB used", "513 MB used", (), False),
    ],
)
def test_only_what_varies_may_differ(kept, fresh, tags, same):
    """Ids and moments of runs count for nothing, measured numbers within a factor; all else counts."""
    assert bool(differences(_cell(kept, tags=tags), _cell(fresh, tags=tags))) is not same


def test_an_output_too_many_or_too_few_is_a_difference():
    """Outputs are compared all, none is skipped."""
    assert differences(_cell("a"), _cell("a", "b"))
    assert differences(_cell("a", "b"), _cell("a"))
