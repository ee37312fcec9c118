"""Safety: SQL reaches no file, no network and no setting; and the server keeps to loopback."""

from __future__ import annotations

import socket
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
