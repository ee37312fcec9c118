"""How commands end: exit status, one line of error, interrupts, broken pipes."""

from __future__ import annotations

import json
import signal
import time

import pytest

from dune_frames.local import LocalDune, Status


def test_a_missing_key_is_named(bare_shell):
    """Without a key nothing is sent: status 3, and what to set."""
    ended = bare_shell("query", "1")
    assert ended.status == 3
    assert "no Dune API key" in ended.error_line
    assert "DUNE_API_KEY" in ended.err
    assert "--local" in ended.err


def test_failed_sql_shows_where(shell):
    """A failed run ends with status 5, Dune's words, and the line of SQL with a caret."""
    ended = shell("sql", "SELECT 1 AS one,\n  nope FROM (SELECT 2 AS two)", "-q")
    assert (ended.status, ended.out) == (5, "")
    lines = ended.err.splitlines()
    assert "nope" in lines[0]
    place = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert lines[place - 1].strip() == "nope FROM (SELECT 2 AS two)"
    assert lines[place].index("^") == lines[place - 1].index("nope")


#: Commands that cannot go well, the documented status, and what the one line says.
WRONG = [
    (["query", "999"], 4, "not found"),
    (["execution", "Wonky"], 1, "The requested execution ID (ID: Wonky) is invalid."),
    (["status", "01ARZ3NDEKTSV4RRFFQ69G5FAV"], 4, "Execution not found"),
    (["sql", "SELECT 1", "-p", "novalue"], 2, "'novalue' is no parameter"),
    (["sql", "SELECT 1", "-p", "n:=x"], 2, "no JSON"),
    (["sql", "SELECT {{n}}", "-p", "n=1", "-p", "n=2"], 2, "'n' is given twice"),
    (["sql", "SELECT {{n}}"], 2, "no value for {{n}}"),
    (["sql"], 2, "it takes one SQL"),
    (["sql", "-f", "none.sql"], 2, "none.sql"),
    (["sql", "SELECT 1", "--performance", "huge", "-q"], 1, "Invalid performance tier"),
    (["query", "1", "--limit", "1", "--sample-count", "1"], 2, "sample_count"),
    (["query", "1", "--uint256", "float16"], 2, "--uint256"),
    (["query", "1", "--params-file", "none.json"], 2, "none.json"),
    (["query", "--nonsense"], 2, "--nonsense"),
    ([], 2, "Missing command"),
]


@pytest.fixture(scope="module")
def wrong_endings(lasting_shell):
    """How they ended, by their words."""
    commands = [words for words, _, _ in WRONG]
    return dict(zip(map(tuple, commands), lasting_shell.together(*commands), strict=True))


@pytest.mark.parametrize(
    ("words", "status", "said"), WRONG, ids=[" ".join(words) for words, _, _ in WRONG]
)
def test_errors_are_one_line(wrong_endings, words, status, said):
    """Whatever goes wrong: nothing on stdout, one line on stderr, the documented status."""
    ended = wrong_endings[tuple(words)]
    assert ended.status == status
    assert said in ended.error_line


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        (Status(402, '{"error": "credits limit"}'), 3, "credits limit"),
        (Status(500, '{"error": "An internal error occured"}'), 6, "may have started"),
    ],
    ids=["no credits", "lost answer"],
)
def test_refusals_of_dune_have_their_status(shell, dune, fault, status, said):
    """A plan that does not pay is no access; a lost answer is no answer, and is not sent again."""
    dune.inject(fault, endpoint="execute_sql")
    ended = shell("sql", "SELECT 1", "-q")
    assert ended.status == status
    assert said in ended.error_line
    assert [request.endpoint for request in dune.requests] == ["execute_sql"]


@pytest.mark.parametrize(
    ("module", "words", "extra"),
    [("typer", ["--help"], "cli"), ("duckdb", ["sql", "--local", "SELECT 1"], "local")],
)
def test_a_missing_extra_is_named(bare_shell, module, words, extra):
    """Where an extra is not installed, one line says which, and how to install it."""
    absent = f"import sys; sys.modules[{module!r}] = None; from dune_frames.cli import main; main()"
    ended = bare_shell.python(absent, *words)
    assert ended.status == 3
    assert f"pip install 'dune-frames[{extra}]'" in ended.error_line


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_broken_pipe_is_silent(shell, dune, unbuffered):
    """When nobody reads any more, the program ends without a word, however Python buffers."""
    execution_id = dune.store_result([["x" * 1000]] * 2000, {"text": "varchar"})
    words = ["execution", execution_id, "--to", "csv", "-q"]
    with shell.started(*words, PYTHONUNBUFFERED=unbuffered) as process:
        assert process.stdout.read(5) == b"text\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 141


def test_a_full_disk_does_not_cost_a_second_run(shell, dune):
    """Where the result cannot be written, the one line says how to have it without a new run."""
    execution_id = dune.store_result([[1]], {"n": "bigint"})
    ended = shell("execution", execution_id, "--to", "csv", "-o", "/dev/full", "-q")
    assert ended.status == 1
    assert f"go on with: dune-frames execution {execution_id}" in ended.error_line


@pytest.fixture(scope="module")
def lasting_slow_dune():
    """An embedded Dune whose runs take longer than anybody waits."""
    with LocalDune(execution_seconds=60) as running:
        yield running


@pytest.fixture
def slow_dune(lasting_slow_dune):
    """The same, with nothing asked so far."""
    lasting_slow_dune.clear_requests()
    return lasting_slow_dune


def wait_for_run(slow_dune, process):
    """Wait until the server has started the run of a child."""
    give_up = time.monotonic() + 30
    while not any(request.endpoint == "status" for request in slow_dune.requests):
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < give_up
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("sent", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
    ids=["Ctrl-C", "SIGTERM", "closed terminal"],
)
def test_an_interrupt_cancels_the_run(bare_shell, slow_dune, sent, status):
    """A run that was started is cancelled when nobody waits for it any more; no traceback."""
    words = ["sql", "SELECT 1", "-o", "x.csv", "-q"]
    with bare_shell.using(slow_dune).started(*words) as process:
        wait_for_run(slow_dune, process)
        process.send_signal(sent)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (status, b"", b"")
    (cancelled,) = [each for each in slow_dune.requests if each.endpoint == "cancel"]
    assert cancelled.status == 200
    assert list(bare_shell.folder.iterdir()) == []


def test_a_timeout_cancels_the_run(bare_shell, slow_dune):
    """--timeout ends the call with status 7 and cancels what it started."""
    ended = bare_shell.using(slow_dune)("sql", "SELECT 1", "--timeout", "1", "-q")
    assert ended.status == 7
    assert "--timeout" in ended.error_line
    assert slow_dune.requests[-1].endpoint == "cancel"


def test_a_pipeline_outlives_its_timeout(bare_shell, slow_dune):
    """--timeout ends the wait with status 7; the line names the pipeline, which goes on."""
    slow_dune.save_query(5, "SELECT 1 AS one")
    ended = bare_shell.using(slow_dune)("pipeline", "5", "--timeout", "0.2", "-q")
    assert ended.status == 7
    assert "goes on" in ended.error_line
    assert slow_dune.requests[-1].path.split("/")[-2] in ended.error_line


def test_status_tells_of_every_run(shell, dune):
    """A state is told for people and as JSON; a failed run is a state, not an error."""
    execution_id = dune.store_result([[1, "x"]], {"n": "bigint", "t": "varchar"})
    told = shell("status", execution_id)
    assert (told.status, told.err) == (0, "")
    facts = dict(line.split(maxsplit=1) for line in told.out.splitlines() if " row " not in line)
    assert facts["state"] == "QUERY_STATE_COMPLETED"
    assert "column                   n bigint" in told.out
    failed = shell("sql", "SELECT nope", "--to", "csv")
    execution_id = failed.err.split("execution ")[1].split()[0]
    as_json = shell("status", execution_id, "--json")
    assert (as_json.status, as_json.err) == (0, "")
    read = json.loads(as_json.out)
    assert (read["state"], read["is_finished"]) == ("QUERY_STATE_FAILED", True)
    assert "nope" in read["failure"]["message"]
    assert read["submitted_at"].endswith("+00:00")


def test_cancel_stops_a_run(bare_shell, slow_dune):
    """The command stops a run that goes on, and says so when there is nothing to stop."""
    client = slow_dune.client()
    run = client.execute_sql("SELECT 1")
    over = slow_dune.store_result([[1]], {"n": "bigint"})
    shell = bare_shell.using(slow_dune)
    stopped, too_late = shell.together(["cancel", run.execution_id], ["cancel", over])
    assert (stopped.status, stopped.err) == (0, "")
    assert stopped.out == f"cancelled {run.execution_id}\n"
    assert run.status().word == "CANCELLED"
    assert too_late.status == 1
    assert "over already" in too_late.error_line
    client.close()
