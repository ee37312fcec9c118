"""query, sql and execution: what is asked, and what is shown."""

from __future__ import annotations

import json


def bodies(dune, endpoint):
    return [request.body for request in dune.requests if request.endpoint == endpoint]


def test_query_shows_a_table(shell, dune):
    """Without -o a query's result is a table with names and types; messages go to stderr alone."""
    dune.save_query(71, "SELECT 'ethereum' AS blockchain, 12 AS trades, 1234567.5 AS usd")
    ended = shell("query", "71")
    assert ended.status == 0
    lines = ended.out.splitlines()
    assert lines[0] == "shape: (1, 3)"
    assert [name in lines[2] for name in ("blockchain", "trades", "usd")] == [True] * 3
    assert "str" in lines[4]
    assert "i32" in lines[4]
    assert "1234567.5" in lines[6]
    assert all(line.startswith("dune-frames: ") for line in ended.err.splitlines())


def test_parameters_arrive_as_given(shell, dune):
    """A text may hold =, JSON may be given with :=, and -p goes before the file."""
    dune.save_query(72, "SELECT '{{text}}' AS a, {{number}} AS b, '{{day}}' AS c, '{{list}}' AS d")
    (shell.folder / "given.toml").write_text("text = 'from the file'\nday = 2025-01-31\n")
    given = ["-p", "text=a=b=c", "-p", "number:=1.50", "-p", 'list:=["x", "y"]']
    ended = shell("query", "72", "--params-file", "given.toml", *given, "--to", "json")
    assert ended.status == 0, ended.err
    assert bodies(dune, "execute_query") == [
        {
            "query_parameters": {
                "text": "a=b=c",
                "day": "2025-01-31 00:00:00",
                "number": "1.50",
                "list": ["x", "y"],
            }
        }
    ]
    assert json.loads(ended.out)[0]["a"] == "a=b=c"


def test_sql_comes_from_everywhere(shell, dune):
    """SQL is an argument, stdin for -, or a file; its placeholders take typed values."""
    sql = "SELECT /* größer */ {{n}} + 1 AS n, {{t}} AS t"
    (shell.folder / "query.sql").write_text(sql, encoding="utf-8-sig")
    options = ["-p", "n:=41", "-p", "t=it's", "--to", "csv"]
    piped = shell("sql", "-", *options, stdin=sql)
    both = shell.together(["sql", sql, *options], ["sql", "-f", "query.sql", *options])
    for ended in (piped, *both):
        assert (ended.status, ended.out) == (0, "n,t\n42,it's\n"), ended.err
    asked = {"sql": "SELECT /* größer */ 41 + 1 AS n, 'it''s' AS t"}
    assert bodies(dune, "execute_sql") == [asked] * 3


def test_every_option_goes_through(shell, dune):
    """What selects rows and what decides about the run reaches Dune, and nothing is added."""
    dune.save_query(73, 'SELECT 1 AS a, 2 AS "b,c", 3 AS d UNION ALL SELECT 4, 5, 6')
    rows = ["--columns", '"b,c",a', "--filters", "a > 0", "--sort-by", "a desc"]
    window = ["--limit", "5", "--offset", "1", "--format", "json"]
    run = ["--max-age", "0", "--performance", "large", "--timeout", "50", "--allow-partial"]
    ended = shell("query", "https://dune.com/queries/73", *rows, *window, *run, "--to", "ndjson")
    assert (ended.status, ended.out) == (0, '{"b,c": 2, "a": 1}\n'), ended.err
    assert bodies(dune, "execute_query") == [{"performance": "large"}]
    asked = next(request.query for request in dune.requests if request.endpoint == "results")
    assert asked["columns"] == '"b,c",a'
    assert (asked["filters"], asked["sort_by"]) == ("a > 0", "a desc")
    assert (asked["limit"], asked["offset"]) == ("5", "1")
    assert asked["allow_partial_results"] == "true"


def test_types_are_chosen(shell, dune):
    """--uint256 and --varbinary decide types; --sample-count draws a sample."""
    types = {"big": "uint256", "hash": "varbinary"}
    execution_id = dune.store_result([[12, b"\x01"]] * 50, types)
    options = ["--uint256", "decimal", "--varbinary", "bytes", "--sample-count", "10"]
    ended = shell("execution", execution_id, *options)
    assert ended.status == 0, ended.err
    assert "decimal[38,0]" in ended.out
    assert "binary" in ended.out
    assert {request.query.get("sample_count") for request in dune.requests} == {None, "10"}
