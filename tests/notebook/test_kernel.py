"""The magic in a real kernel: frames, errors as words, the bar, and an interrupt that cancels."""

from __future__ import annotations

import re
import threading
import time

import pytest

pytestmark = [
    pytest.mark.notebook,
    # The client of kernels is a guest here: it leaves an event loop to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_a_cell_becomes_a_frame_of_that_name(kernel):
    """The cell is run as DuneSQL with its parameters; the variable is there; one line says so."""
    ran = kernel.run(
        "%%dune trades --max-age 1h --frame polars -p chain=base\n"
        "SELECT {{chain}} AS chain, 1 AS one"
    )
    assert ran.status == "ok"
    (line,) = ran.texts("display_data")
    assert re.fullmatch(r"trades: 1 rows, 2 columns; 0\.00 MB exported, execution \w{26}", line)
    shown = kernel.run("print(type(trades), trades.row(0))").outputs
    assert shown[0][1]["text"] == "<class 'polars.dataframe.frame.DataFrame'> ('base', 1)\n"
    again = kernel.run(
        "%%dune trades --max-age 1h --frame polars -p chain=base\n"
        "SELECT {{chain}} AS chain, 1 AS one"
    )
    assert "from cache" in again.texts("display_data")[0]


def test_a_cell_without_a_name_shows_its_frame(kernel):
    """The frame is the cell's result, in text and in HTML."""
    ran = kernel.run("%%dune\nSELECT 5 AS five")
    ((kind, said),) = ran.outputs
    assert kind == "execute_result"
    assert "five" in said["data"]["text/html"]


def test_a_line_reads_a_saved_query(kernel):
    """By number, by URL, and with a parameter; it can be assigned."""
    for what in ("3493826", "https://dune.com/queries/3493826/5875000"):
        ran = kernel.run(f"frame = %dune {what} -p chain=base\nprint(frame['chain'].item())")
        assert ran.outputs[-1][1]["text"] == "base\n"


def test_a_line_reads_an_execution(kernel):
    """The id of an execution is enough."""
    kernel.run("import dune_frames\nrun = dune_frames.execute_dune_sql('SELECT 6 AS six')")
    told = kernel.run("print(run.execution_id)").outputs[0][1]["text"].strip()
    assert "six" in kernel.run(f"%dune {told}").texts("execute_result")[0]


def test_local_needs_no_account_and_lasts_for_the_kernel(kernel):
    """`--local` is one embedded Dune, kept from cell to cell."""
    kernel.run(
        "from dune_frames.magic import local_dune\nlocal_dune().save_query(1, 'SELECT 8 AS e')"
    )
    assert "8" in kernel.run("%dune 1 --local").texts("execute_result")[0]
    ran = kernel.run("%%dune n --local -q\nSELECT count(*) AS n FROM dex.trades")
    assert ran.outputs == []


def test_variables_are_used_when_asked_and_only_then(kernel):
    """`{{name}}` comes from a variable with `--params`; without it nothing is taken."""
    kernel.run("chain = 'base'")
    cell = "SELECT {{chain}} AS c"
    refused = kernel.run(f"%%dune\n{cell}")
    assert refused.error.splitlines()[0] == "InvalidRequestError: no value for {{chain}}"
    assert "--params" in refused.error
    assert "base" in kernel.run(f"%%dune --params\n{cell}").texts("execute_result")[0]
    both = kernel.run(f"%%dune --params -p chain=other\n{cell}")
    assert "other" in both.texts("execute_result")[0]
    unknown = kernel.run("%%dune --params\nSELECT {{nobody_set_this}}")
    assert "no variable is called nobody_set_this" in unknown.error
    saved = kernel.run("%dune 3493826 --params").texts("execute_result")[0]
    assert "base" in saved


def test_a_wrong_sql_is_shown_with_a_caret_and_no_traceback(kernel):
    """The place stands under the SQL; the cell failed; nothing of this library is shown."""
    ran = kernel.run("%%dune frame\nSELECT 1 AS one,\n       nonsense FROM dex.trades")
    assert ran.status == "error"
    lines = ran.error.splitlines()
    assert lines[0].startswith("QueryFailedError: ")
    place = lines.index("           nonsense FROM dex.trades")
    assert lines[place + 1] == "           ^"
    assert len(lines) < 10
    assert "Traceback" not in ran.error
    assert ".py" not in ran.error


def test_an_error_of_a_plain_call_shows_the_users_own_lines(kernel):
    """A read in a cell shows where the user called it, and its words, but none of this library."""
    ran = kernel.run(
        "import dune_frames\n\ndef ask():\n    dune_frames.read_dune_query(999)\n\nask()"
    )
    lines = ran.error.splitlines()
    assert [each for each in lines if each.startswith("Cell In[")] == lines[:3:2]
    assert [lines[1].strip(), lines[3].strip()] == ["ask()", "dune_frames.read_dune_query(999)"]
    assert lines[4].startswith("QueryNotFoundError: ")
    assert ".py" not in ran.error


def test_a_bug_keeps_its_traceback(kernel):
    """What is no error of this library is shown as IPython shows it."""
    bug = kernel.run("import dune_frames\ndune_frames.read_dune_query(1, progres=None)")
    assert "TypeError" in bug.error
    assert "client.py" in bug.error


@pytest.mark.parametrize("magic", ["%%dune frame\nSELECT 1", "d.read_dune_sql('SELECT 1')"])
def test_an_interrupt_cancels_the_run_and_says_so(kernel, slow_dune, dune, magic):
    """Who interrupts the cell pays for nothing more: the server sees the cancel."""
    slow_dune.clear_requests()
    kernel.run(f"%env DUNE_API_BASE_URL={slow_dune.url}\nimport dune_frames as d")
    polled = threading.Event()

    def look() -> None:
        while not any(each.endpoint == "status" for each in slow_dune.requests):
            time.sleep(0.02)
        polled.set()

    threading.Thread(target=look, daemon=True).start()
    try:
        ran = kernel.interrupted(magic, polled)
    finally:
        kernel.run(f"%env DUNE_API_BASE_URL={dune.url}")
    assert ran.status == "error"
    lines = ran.error.splitlines()
    assert lines[-2] == "KeyboardInterrupt"
    assert re.fullmatch(r"dune_frames: the run \w{26} was cancelled\.", lines[-1])
    assert ".py" not in ran.error
    asked = [each.endpoint for each in slow_dune.requests]
    assert asked.count("execute_sql") == 1
    assert asked.count("cancel") == 1


def test_a_bar_is_drawn_below_the_cell_and_gone_at_the_end(kernel):
    """One display is updated while the run lasts; what stays in the notebook is empty."""
    ran = kernel.run(
        "from dune_frames.local import LocalDune\n"
        "with LocalDune(queue_seconds=1.3, execution_seconds=1.3, page_rows=500) as slow:\n"
        "    frame = slow.client().read_sql('SELECT * FROM dex.trades LIMIT 5000')"
    )
    assert ran.status == "ok"
    kinds = [kind for kind, _ in ran.outputs]
    assert kinds == ["display_data", *["update_display_data"] * (len(kinds) - 1)]
    assert len({said["transient"]["display_id"] for _, said in ran.outputs}) == 1
    drawn = [said["data"] for _, said in ran.outputs]
    assert drawn[-1] == {"text/html": "", "text/plain": ""}
    texts = [each["text/plain"] for each in drawn]
    assert "queued, 1 s" in texts
    assert any(text.startswith("running, ") for text in texts)
    assert all("<progress" in each["text/html"] for each in drawn if each["text/plain"])


def test_a_coroutine_shows_the_bar_too(kernel):
    """`await` in a cell shows the same."""
    ran = kernel.run(
        "with LocalDune(queue_seconds=1.5) as slow:\n"
        "    frame = await slow.client().read_sql_async('SELECT 1 AS one')"
    )
    assert "queued, 1 s" in ran.texts("update_display_data")


def test_what_is_short_or_silenced_shows_nothing(kernel):
    """Within a second, and with `progress=False`, a cell stays as it is."""
    assert kernel.run("import dune_frames as d\nx = d.read_dune_sql('SELECT 1')").outputs == []
    ran = kernel.run(
        "with LocalDune(queue_seconds=1.5) as slow:\n"
        "    frame = slow.client().read_sql('SELECT 1 AS one', progress=False)"
    )
    assert ran.outputs == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%%dune trades --max-a", ["--max-age"]),
        ("%dune 12 --frame po", ["polars"]),
        ("frame = %dune 12 --uint256 ", ["exact", "string", "float64", "decimal"]),
    ],
)
def test_options_and_their_words_are_completed(kernel, typed, expected):
    """Tab offers options, and after an option the words that it takes."""
    reply = kernel.client.complete(typed, len(typed), reply=True, timeout=30)
    assert reply["content"]["matches"] == expected


@pytest.mark.parametrize("asked", ["%dune?", "%%dune?"])
def test_help_is_shown(kernel, asked):
    """A question mark shows what the magic does and every option."""
    reply = kernel.client.execute(asked, reply=True, timeout=30)
    (page,) = reply["content"]["payload"]
    assert "--max-export-mb" in page["data"]["text/plain"]
    assert "runs the cell as DuneSQL" in page["data"]["text/plain"]


def test_handles_are_tables(kernel):
    """An execution at the end of a cell is a table with the link to its query."""
    ran = kernel.run(
        "import dune_frames as d\nrun = d.execute_dune_query(3493826)\nended = run.wait()\nrun"
    )
    said = ran.outputs[-1][1]["data"]
    assert 'href="https://dune.com/queries/3493826"' in said["text/html"]
    assert "state COMPLETED" in said["text/plain"]
