"""Safety: SQL reaches no file, no network and no setting; and the server keeps to loopback."""

from __future__ import annotations

import socket
import time
from urllib.parse import urlsplit

import duckdb
import pytest


@pytest.fixture(scope="module")
def secret(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "secret.csv"
    path.write_text("a,b\n1,2\n")
    return path


#: What must fail, whatever the wording.
ATTACKS = [
    "SELECT * FROM '{path}'",
    'SELECT * FROM "{path}"',
    "SELECT * FROM read_csv('{path}')",
    "SELECT * FROM read_text('{path}')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM duckdb_settings()",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM pg_catalog.pg_tables",
    "SELECT * FROM duckdb_tables",
    "SELECT getenv('HOME')",
    "SELECT current_setting('memory_limit')",
    "COPY (SELECT 1) TO '{path}.out'",
    "ATTACH '{path}'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SET memory_limit = '1TB'",
    "PRAGMA database_list",
    "CREATE TABLE x AS SELECT 1",
    "DROP TABLE dex.trades",
    "SELECT 1; DROP TABLE dex.trades",
    "EXPORT DATABASE '{path}'",
    "CALL pragma_version()",
    "WITH x AS (SELECT * FROM read_csv('{path}')) SELECT * FROM x",
    "SELECT * FROM range(10)",
    "SELECT sleep_ms(1)",
    "SELECT query('SELECT 1')",
    "SELECT * FROM query_table('dex.trades')",
    "SELECT * FROM read_blob('{path}')",
    "SELECT * FROM read_json('http://127.0.0.1:9/x')",
    "SELECT * FROM (FROM read_csv('{path}'))",
    "SELECT * FROM which_secret('{path}', 's3')",
    "CREATE SECRET (TYPE s3)",
    "CREATE MACRO f(x) AS x",
    "SET VARIABLE run = 'a'",
    "SELECT getvariable('run')",
    "SELECT tick('a', 1)",
    "SELECT ticks(1)",
    "SELECT fail('a')",
    "SELECT CAST('{path}' AS nosuch)",
    "SELECT write_log('a')",
    'SELECT * FROM "results.of_1"',
    "EXPLAIN ANALYZE SELECT 1",
    "CHECKPOINT",
    "SELECT * FROM _frame",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_sql_cannot_leave_its_tables(ask, secret, attack):
    """Files, settings, catalogs, statements and DuckDB's own functions all fail as a query fails."""
    answer = ask.run(attack.format(path=secret))
    assert answer["state"] == "QUERY_STATE_FAILED"
    assert "internal error" not in answer["error"]["message"]
    assert not secret.with_suffix(".csv.out").exists()


def test_filters_cannot_leave_the_result(ask, dune, secret):
    """Neither filters nor sort_by reach DuckDB unchecked."""
    execution = dune.store_result([(1,)], {"x": "bigint"})
    for text in (
        f"x IN (SELECT a FROM '{secret}')",
        "x = 1) OR (1 = 1",
        "x = getenv('HOME')",
        "x = 1 UNION SELECT 1",
    ):
        assert ask.get(f"/execution/{execution}/results", filters=text).status_code == 400
        assert ask.get(f"/execution/{execution}/results", sort_by=text).status_code == 400


def test_duckdb_itself_is_locked(dune, secret):
    """Even SQL that got through could not read files or change settings."""
    with dune._api.engine._cursor() as cursor:
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            "SET enable_external_access = true",
            "SET memory_limit = '1TB'",
            "INSTALL httpfs",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(sql).fetchall()


def test_a_query_that_needs_too_much_memory_fails(serve):
    """Memory is bounded, and the server goes on."""
    ask = serve(memory_limit_mb=64)
    answer = ask.run(
        "SELECT array_agg(a.x || cast(b.y AS varchar)) FROM (SELECT cast(x AS varchar) AS x FROM UNNEST(sequence(1, 3000)) t(x)) a CROSS JOIN UNNEST(sequence(1, 3000)) b(y)"
    )
    assert answer["state"] == "QUERY_STATE_FAILED"
    assert "memory" in answer["error"]["message"]
    assert ask.rows("SELECT 1") == [[1]]


def test_what_a_lambda_makes_is_bounded_too(serve):
    """DuckDB does not count what grows inside one expression, and looks at no interrupt there."""
    ask = serve(memory_limit_mb=64)
    began = time.monotonic()
    doubled = ask.run(
        "SELECT length(reduce(sequence(1, 60), 'xxxxxxxx', (s, x) -> s || s, s -> s))"
    )
    assert doubled["error"]["message"].startswith("Query exceeded the memory limit")
    caught = ask.run(
        "SELECT try(reduce(sequence(1, 60), 'xxxxxxxx', (s, x) -> s || s, s -> s)) IS NULL"
    )
    assert caught["error"]["message"].startswith("Query exceeded the memory limit")
    assert time.monotonic() - began < 20
    assert ask.rows("SELECT 1") == [[1]]


def test_a_result_that_is_too_large_fails(serve):
    """Rows are kept in memory too, and count."""
    ask = serve(memory_limit_mb=64)
    answer = ask.run(
        "SELECT a.x, b.y FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y)"
    )
    assert answer["error"]["message"].startswith("Query exceeded the memory limit")


_ENDLESS = [
    "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
    """SELECT cardinality(transform(sequence(1, 10000), x -> cardinality(transform(sequence(1, 10000), y ->
    reduce(sequence(1, 10000), 0, (s, z) -> (s + x * y * z) % 7, s -> s)))))""",
    "SELECT sum(CAST(a.x AS uint256) * 3) FROM UNNEST(sequence(1, 10000)) a(x) CROSS JOIN UNNEST(sequence(1, 10000)) b(y)",
    "SELECT try(reduce(sequence(1, 10000), 0, (s, x) -> reduce(sequence(1, 10000), s, (t, y) -> (t + y) % 7, t -> t), s -> s))",
]


@pytest.mark.parametrize("sql", _ENDLESS)
def test_a_cancelled_query_stops(serve, sql):
    """A cancel really interrupts DuckDB: closing the server, which waits for its runs, is quick."""
    ask = serve()
    run = ask.post("/sql/execute", sql=sql).json()["execution_id"]
    while ask.get(f"/execution/{run}/status").json()["state"] != "QUERY_STATE_EXECUTING":
        time.sleep(0.01)
    time.sleep(0.3)
    began = time.monotonic()
    assert ask.post(f"/execution/{run}/cancel").json() == {"success": True}
    ask.dune.close()
    assert time.monotonic() - began < 10


def test_it_listens_on_loopback_only(dune):
    """The socket is bound to 127.0.0.1."""
    parts = urlsplit(dune.url)
    assert (parts.scheme, parts.hostname) == ("http", "127.0.0.1")
    assert dune._thread._socket.getsockname()[0] == "127.0.0.1"
    with socket.create_connection((parts.hostname, parts.port), timeout=2):
        pass


@pytest.mark.parametrize(
    "sql",
    [
        "(" * 3000 + "1" + ")" * 3000,
        "SELECT " + "-" * 50 + "1",
        "SELECT 1" + " + 1" * 3000,
        "SELECT '" + "x" * 10**6 + "'",
        "\x00",
        "🦆",
        'SELECT "' + "a" * 5000 + '"',
    ],
)
def test_strange_sql_ends(ask, sql):
    """Whatever is sent, the run ends and the server goes on."""
    answer = ask.run(sql) if sql.strip() else {}
    assert answer.get("state") in ("QUERY_STATE_FAILED", "QUERY_STATE_COMPLETED")
    assert ask.rows("SELECT 1") == [[1]]
