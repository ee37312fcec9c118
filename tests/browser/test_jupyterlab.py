"""What people see: a cell in a real JupyterLab, in a real browser, while it reads and afterwards.

``python -m pytest -n 0 -m browser --screenshot notebook.png`` also keeps pictures: there of the end, and in
``notebook-running.png`` beside it of the bar half-way.
"""

from __future__ import annotations

import io
import time

import nbformat
import pytest
from lab import browser, chromium, jupyterlab
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

#: A Dune slow enough to be watched: a run of two seconds, then every page half a second late.
SETUP = """\
import dune_frames as dune
from dune_frames.local import LocalDune

client = LocalDune(execution_seconds=2, latency=0.5).start().client()\
"""
READ = '''\
trades = dune.read_dune_sql(
    """
    SELECT block_time + interval '42' day * copy AS block_time, blockchain, project,
           amount_usd, token_bought_amount_raw
    FROM dex.trades CROSS JOIN UNNEST(sequence(0, 39)) AS copies(copy)
    ORDER BY block_time
    """,
    client=client,
)
trades\
'''
ROWS, SHOWN = 1_200_000, 10
LARGEST = 150_000
_CODE, _OUTPUT = ".jp-CodeCell .cm-content", ".jp-CodeCell:has(table) .jp-OutputArea"
#: Whether all cells are drawn and the kernel waits for one.
IS_READY = """
return [...document.querySelectorAll(".jp-CodeCell .cm-content")].filter(e => e.offsetParent).length > 1
    && document.querySelector("#jp-main-statusbar").innerText.includes("| Idle")
"""
BARS = """
return [...document.querySelectorAll("progress.dune-frames")].map(
    bar => [bar.hasAttribute("value") ? bar.value : null, bar.parentElement.innerText]
)
"""
#: With it, JupyterLab does not ask which kernel.
KERNEL = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
PAUSE, PATIENCE = 0.05, 120


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A notebook of two cells, open in JupyterLab in Chromium."""
    for each in ("jupyterlab", "selenium", "PIL"):
        pytest.importorskip(each, reason=f"{each} comes with the extra 'browser'")
    if chromium() is None:
        pytest.skip(
            "Chromium or chromedriver is not there: apt-get install chromium chromium-driver"
        )
    folder, scratch = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("jupyter")
    cells = [new_markdown_cell("# Dune in a notebook"), new_code_cell(SETUP), new_code_cell(READ)]
    nbformat.write(new_notebook(cells=cells, metadata=KERNEL), folder / "trades.ipynb")
    with jupyterlab(folder, scratch) as address, browser(scratch) as chrome:
        chrome.get(address.format(path="trades.ipynb"))
        _until(lambda: chrome.execute_script(IS_READY))
        yield chrome


@pytest.fixture(scope="module")
def seen(page):
    """What was seen: pairs of the bar's value and the line beside it; pictures half-way and at the end."""
    from selenium.webdriver import ActionChains, Keys

    page.find_element("css selector", _CODE).click()
    for _ in range(2):
        keys = ActionChains(page).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT)
        keys.perform()
    states: list[tuple[float | None, str]] = []
    pictures = []

    def look():
        bars = page.execute_script(BARS)
        states.extend(tuple(bar) for bar in bars if tuple(bar) not in states)
        if not pictures and any(0.3 < (value or 0) < 0.8 for value, _ in bars):
            pictures.append(_picture(page))
        return page.find_elements("css selector", "table.dataframe")

    _until(look)
    _until(lambda: not page.execute_script(BARS))
    return states, [*pictures, _picture(page)]


def _until(look):
    """Look until there is something, and return it."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(PAUSE)
    raise TimeoutError("it did not come")


def _picture(page):
    """Return what the notebook looks like, without JupyterLab around it."""
    from PIL import Image

    shown = page.find_element("css selector", ".jp-WindowedPanel-viewport")
    return Image.open(io.BytesIO(shown.screenshot_as_png)).convert("RGB").quantize(128)


def test_the_bar_moves_while_a_cell_reads(seen):
    """First the run, with its time; then the download, whose bar advances and never goes back."""
    states, _ = seen
    assert any("running" in text for value, text in states if value is None), states
    values = [value for value, text in states if value is not None and "downloading" in text]
    assert len(set(values)) >= 2, states
    assert values == sorted(values)


def test_the_frame_is_drawn_as_a_table_and_the_bar_is_gone(seen, page):
    """The cell ends with the frame as a table of HTML; no bar is left, and no error."""
    assert seen
    table = page.find_element("css selector", "table.dataframe")
    assert "token_bought_amount_raw" in table.text
    assert len(table.find_elements("css selector", "tbody tr")) == SHOWN + 1  # and one of dots
    assert f"{ROWS} rows × 5 columns" in page.find_element("css selector", _OUTPUT).text
    assert not page.find_elements("css selector", "progress.dune-frames")
    assert not page.find_elements(
        "css selector", "[data-mime-type*='stderr'], [data-mime-type*='error']"
    )


def test_pictures_of_it_are_kept(seen, request, tmp_path):
    """They go where the command line says, small enough for a README."""
    _, pictures = seen
    path = request.config.getoption("--screenshot") or tmp_path / "notebook.png"
    kept = [path.with_stem(f"{path.stem}-running"), path][-len(pictures) :]
    for picture, each in zip(pictures, kept, strict=True):
        picture.save(each, optimize=True)
        assert each.stat().st_size < LARGEST
        assert picture.width > 500
