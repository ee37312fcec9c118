"""marimo: the functions behave there, and show their progress below the cell."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.notebook

APP = """
import marimo

app = marimo.App()


@app.cell
def read():
    import marimo

    import dune_frames as dune
    from dune_frames.local import LocalDune

    Spinner = type(marimo.status.spinner().spinner)
    said, update = [], Spinner.update
    def listening(spinner, title=None, subtitle=None):
        said.append(subtitle)
        update(spinner, title, subtitle)
    Spinner.update = listening

    local = LocalDune(queue_seconds=1.6).start()
    frame = dune.read_dune_sql("SELECT 5 AS five", client=local.client())
    return dune, frame, local, said


@app.cell
async def _(dune, frame, local, said):
    lazy = dune.scan_dune_sql("SELECT 6 AS six", client=local.client()).collect()
    both = await dune.read_dune_sql_async("SELECT 7 AS seven", client=local.client())
    local.close()
    total = int(frame["five"][0]) + lazy["six"][0] + int(both["seven"][0])
    print("total", total)
    print("said", said)
    return

"""


def test_a_notebook_of_marimo_reads_and_shows_its_progress(tmp_path):
    """Its kernel runs reads, scans and coroutines; each says below its cell what it waits for."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    export = ["-m", "marimo", "export", "ipynb", "app.py", "--include-outputs", "-o", "app.ipynb"]
    done = subprocess.run(
        [sys.executable, *export], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    cells = json.loads((tmp_path / "app.ipynb").read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell["outputs"]]
    (printed,) = ["".join(each["text"]) for each in outputs if each["name"] == "stdout"]
    assert "total 18" in printed
    assert printed.count("queued, 1 s") >= 3
