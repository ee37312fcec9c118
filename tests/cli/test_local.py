"""--local and local: the embedded Dune in the shell."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest
import requests
from pyarrow import parquet

HEADLINE = (
    "SELECT blockchain, count(*) AS trades, sum(amount_usd) AS usd "
    "FROM dex.trades GROUP BY 1 ORDER BY 3 DESC"
)


@pytest.fixture(scope="module")
def ended(lasting_shell):
    """How two commands with an embedded Dune of their own ended, without an account."""
    words = [["sql", "--local", HEADLINE], ["sql", "--local", "SELECT * FROM nope", "-q"]]
    account = ("DUNE_API_KEY", "DUNE_API_BASE_URL")
    kept = {name: text for name, text in lasting_shell.environment.items() if name not in account}
    return replace(lasting_shell, environment=kept).together(*words)


def test_local_needs_no_account(ended):
    """The README's command prints a table of sample data; nothing but messages is on stderr."""
    assert ended[0].status == 0, ended[0].err
    shown = ("blockchain", "trades", "usd", "ethereum")
    assert all(name in ended[0].out for name in shown)
    assert all(line.startswith("dune-frames: ") for line in ended[0].err.splitlines())


def test_a_failed_run_leaves_nothing_behind(ended):
    """A failed run in an embedded Dune says what failed, and the engine ends without complaints."""
    assert (ended[1].status, ended[1].out) == (5, "")
    assert ended[1].err.startswith("dune-frames: error: ")
    assert "nope" in ended[1].err
    assert not [word for word in ("nanobind", "Traceback", "leak") if word in ended[1].err]


def test_local_serves_until_interrupted(bare_shell):
    """It prints variables that a shell can read, serves tables and queries, and ends well."""
    parquet.write_table(pa.table({"n": [1, 2]}), bare_shell.folder / "n.parquet")
    (bare_shell.folder / "7.sql").write_text("SELECT sum(n) AS total FROM my.numbers")
    served = ["--table", "my.numbers=n.parquet", "--query", "7=7.sql"]
    with bare_shell.started("local", *served) as process:
        lines = [process.stdout.readline().decode() for _ in range(4)]
        assert [line[0] for line in lines] == ["#", "e", "e", "#"]
        exports = [line.split()[1] for line in lines if line.startswith("export ")]
        variables = dict(export.split("=", 1) for export in exports)
        assert bare_shell("query", "7", "--to", "csv", **variables).out == "total\n3\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, b"", b"")


def test_local_serves_a_folder_as_a_slow_plan(bare_shell):
    """--data serves Parquet, CSV and SQL files with their headers; --latency and --rate-limit are felt."""
    data = bare_shell.folder / "data"
    (data / "my").mkdir(parents=True)
    parquet.write_table(pa.table({"n": [1, 2]}), data / "my" / "numbers.parquet")
    (data / "my" / "names.csv").write_text("n,name\n1,one\n2,<nil>\n")
    (data / "7.sql").write_text(
        "-- name: Names\n-- param least: number = 1\n"
        "SELECT a.n, b.name FROM my.numbers a JOIN my.names b ON a.n = b.n WHERE a.n >= {{least}} ORDER BY 1"
    )
    served = ["--data", "data", "--latency", "0.3", "--rate-limit", "40"]
    with bare_shell.started("local", *served) as process:
        url = [process.stdout.readline().decode() for _ in range(4)][1].split("=")[1].strip()
        variables = {"DUNE_API_BASE_URL": url, "DUNE_API_KEY": "local"}
        ended = bare_shell("query", "7", "-p", "least=1", "--to", "csv", **variables)
        assert ended.out == "n,name\n1,one\n2,\n"
        began = time.monotonic()
        answers = [
            requests.get(f"{url}/api/v1/query/7", headers={"X-Dune-Api-Key": "k"}, timeout=9)
        ]
        assert time.monotonic() - began >= 0.3
        with ThreadPoolExecutor(10) as pool:
            ask = partial(requests.get, answers[0].url, headers={"X-Dune-Api-Key": "k"}, timeout=9)
            statuses = [answer.status_code for answer in pool.map(lambda _: ask(), range(45))]
        assert answers[0].json()["name"] == "Names"
        assert set(statuses) == {200, 429}
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0


def test_local_refuses_what_it_cannot_serve(bare_shell):
    """A table or query that is none is refused in one line before anything is served."""
    (bare_shell.folder / "text").write_text("no parquet")
    (bare_shell.folder / "bad").mkdir()
    (bare_shell.folder / "bad" / "weekly.sql").write_text("SELECT 1")
    wrong = [
        ["--query", "seven=text"], ["--table", "t=text"], ["--table", "t=none"], ["--data", "bad"],
        ["--data", "nowhere"], ["--rate-limit", "none"],
    ]  # fmt: skip
    commands = (["local", *words] for words in wrong)
    for words, ended in zip(wrong, bare_shell.together(*commands), strict=True):
        assert ended.status == 2
        assert words[1].split("=")[0] in ended.error_line or words[0] in ended.error_line


@pytest.fixture
def furnished(bare_shell):
    """A folder with a table, and queries of which one reads another."""
    parquet.write_table(pa.table({"n": [1, 2]}), bare_shell.folder / "n.parquet")
    (bare_shell.folder / "7.sql").write_text("SELECT sum(n) * {{by}} AS total FROM my.numbers")
    (bare_shell.folder / "9.sql").write_text("SELECT max(n) AS n FROM my.numbers")
    (bare_shell.folder / "10.sql").write_text("SELECT n + {{m}} AS n FROM query_9")
    saved = [f"--query={number}={number}.sql" for number in (7, 9, 10)]
    return ["--local", "--table", "my.numbers=n.parquet", *saved]


def test_tables_and_queries_come_from_files(bare_shell, furnished):
    """Queries run over one's own files without an account, alone and as pipelines; nothing stays.

    A pipeline shows its nodes, or with -o writes the result of the query itself.
    """
    alone, written, shown = bare_shell.together(
        ["query", "7", "-p", "by:=10", "--to", "csv", *furnished],
        ["pipeline", "https://dune.com/queries/10", "-p", "m:=4", "-o", "x.json", "-q", *furnished],
        ["pipeline", "9", *furnished],
    )
    assert (alone.status, alone.out) == (0, "total\n30\n"), alone.err
    assert (written.status, written.out, written.err) == (0, "", "")
    assert json.loads((bare_shell.folder / "x.json").read_text()) == [{"n": 6}]
    assert (shown.status, shown.out.count("QUERY_STATE_COMPLETED")) == (0, 1), shown.err
    assert not list(Path(bare_shell.environment["DUNE_FRAMES_CACHE_DIR"]).iterdir())


def test_what_furnishes_an_embedded_dune_needs_one(shell, furnished):
    """Files are not mistaken for something that the real Dune would take."""
    ended = shell("query", "7", *furnished[1:])
    assert ended.status == 2
    assert "--local" in ended.error_line
