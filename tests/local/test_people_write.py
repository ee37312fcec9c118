"""Queries as analysts write them on Dune: each with the rows and the types that Dune gives it.

The rows follow from the VALUES in each query by hand; the types from Trino's and Dune's rules.
"""

from __future__ import annotations

import pytest

_TRADES = """WITH trades (block_time, chain, taker, token, amount_raw, usd) AS (VALUES
  (TIMESTAMP '2024-03-01 10:00:00.000 UTC', 'ethereum', 0xaa, 'WETH', UINT256 '2000000000000000000', 6000.5),
  (TIMESTAMP '2024-03-01 23:59:59.000 UTC', 'base',     0xbb, 'USDC', UINT256 '1500000',             1.5),
  (TIMESTAMP '2024-03-02 00:00:00.000 UTC', 'ethereum', 0xaa, 'USDC', UINT256 '2500000',             2.5),
  (TIMESTAMP '2024-03-03 12:30:00.000 UTC', 'ethereum', 0xcc, 'WETH', UINT256 '1000000000000000000', null)
)
"""
_LOGS = """WITH logs (block_number, topic0, data) AS (VALUES
  (1, 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef,
   0x000000000000000000000000000000000000000000000000000000000000000a00000000000000000000000011111111111111111111111111111111111111aa),
  (2, 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef,
   0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe000000000000000000000000222222222222222222222222222222222222bb22),
  (3, 0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925, 0x)
)
"""

#: Query, Dune's types of its columns, and its rows.
PEOPLE = [
    # Volume by day, and what a day's change is
    (_TRADES + "SELECT date_trunc('day', block_time) AS day, sum(usd) AS volume, count(*) AS n FROM trades GROUP BY 1 ORDER BY 1",
     ["timestamp(3) with time zone", "decimal(38, 1)", "bigint"],
     [["2024-03-01 00:00:00.000 UTC", "6002.0", 2], ["2024-03-02 00:00:00.000 UTC", "2.5", 1], ["2024-03-03 00:00:00.000 UTC", None, 1]]),
    (_TRADES + """SELECT CAST(block_time AS date) AS day, sum(usd) - lag(sum(usd)) OVER (ORDER BY CAST(block_time AS date)) AS change
      FROM trades GROUP BY CAST(block_time AS date) ORDER BY day DESC""",
     ["date", "decimal(38, 1)"], [["2024-03-03", None], ["2024-03-02", "-5999.5"], ["2024-03-01", None]]),
    (_TRADES + "SELECT block_time FROM trades WHERE block_time >= TIMESTAMP '2024-03-02' AND block_time < TIMESTAMP '2024-03-03'",
     ["timestamp(3) with time zone"], [["2024-03-02 00:00:00.000 UTC"]]),
    (_TRADES + "SELECT count(*) AS n FROM trades WHERE block_time > now() - interval '7' day OR taker = 0xAA", ["bigint"], [[2]]),
    (_TRADES + "SELECT date_diff('day', min(block_time), max(block_time)) AS days, date_diff('hour', min(block_time), max(block_time)) AS hours FROM trades",
     ["bigint", "bigint"], [[2, 50]]),
    (_TRADES + "SELECT date_format(block_time, '%Y-%m') AS month, max(date_add('week', 1, block_time)) AS later FROM trades GROUP BY 1",
     ["varchar", "timestamp(3) with time zone"], [["2024-03", "2024-03-10 12:30:00.000 UTC"]]),
    (_TRADES + "SELECT hour(block_time) AS h, day_of_week(block_time) AS d, extract(month FROM block_time) AS m FROM trades ORDER BY block_time LIMIT 1",
     ["bigint", "bigint", "bigint"], [[10, 5, 3]]),
    (_TRADES + """SELECT CAST(block_time AT TIME ZONE 'America/Los_Angeles' AS date) AS day, count(*) AS n FROM trades
      GROUP BY CAST(block_time AT TIME ZONE 'America/Los_Angeles' AS date) ORDER BY day""",
     ["date", "bigint"], [["2024-03-01", 3], ["2024-03-03", 1]]),
    # Amounts: 256-bit integers and what they become
    (_TRADES + "SELECT taker, sum(amount_raw) AS raw FROM trades GROUP BY taker ORDER BY raw DESC",
     ["varbinary", "uint256"], [["0xaa", "2000000000002500000"], ["0xcc", "1000000000000000000"], ["0xbb", "1500000"]]),
    (_TRADES + "SELECT amount_raw / 1e18 AS eth, amount_raw / power(10, 18) AS same FROM trades WHERE token = 'WETH' ORDER BY 1",
     ["double", "double"], [[1, 1], [2, 2]]),
    (_TRADES + "SELECT CAST(sum(amount_raw) AS double) / 1e6 AS usdc FROM trades WHERE token = 'USDC'", ["double"], [[4]]),
    (_TRADES + "SELECT amount_raw / 1000000 AS whole, amount_raw % 1000000 AS rest FROM trades WHERE token = 'USDC' ORDER BY 1, 2",
     ["uint256", "uint256"], [["1", "500000"], ["2", "500000"]]),
    ("SELECT CAST(amount AS int256) - INT256 '5' AS net FROM (VALUES UINT256 '3') AS t(amount)", ["int256"], [["-2"]]),
    (("SELECT sum(CASE WHEN dir = 'in' THEN CAST(v AS int256) ELSE -CAST(v AS int256) END) AS balance "
     "FROM (VALUES ('in', UINT256 '10'), ('out', UINT256 '25')) AS t(dir, v)"), ["int256"], [["-15"]]),
    ("SELECT TRY_CAST(x AS uint256) AS v FROM (VALUES '115792089237316195423570985008687907853269984665640564039457584007913129639935', '-1', 'abc') AS t(x)",
     ["uint256"], [["115792089237316195423570985008687907853269984665640564039457584007913129639935"], [None], [None]]),
    ("SELECT CAST(123.456 AS decimal(10, 2)) AS a, 10 / 4 AS b, 10 / 4.0 AS c, CAST(10 AS double) / 4 AS d",
     ["decimal(10, 2)", "integer", "decimal(12, 1)", "double"], [["123.46", 2, "2.5", 2.5]]),
    ("SELECT round(100.0 * 2 / 3, 2) AS pct, round(1e0 / 3, 3) AS rounded", ["decimal(15, 1)", "double"], [["66.7", 0.333]]),
    ("SELECT a / nullif(b, 0) AS ratio FROM (VALUES (6, 0), (6, 4)) AS t(a, b)", ["integer"], [[None], [1]]),
    ("SELECT TRY(a / b) AS ratio, COALESCE(TRY(a / b), -1) AS filled FROM (VALUES (6, 0), (6, 4)) AS t(a, b)", ["integer", "integer"], [[None, -1], [1, 1]]),
    # Bytes of logs
    (_LOGS + """SELECT block_number, bytearray_to_uint256(bytearray_substring(data, 1, 32)) AS value,
      bytearray_to_int256(bytearray_substring(data, 1, 32)) AS signed, bytearray_substring(data, 45, 20) AS addr
      FROM logs WHERE topic0 = 0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef ORDER BY 1""",
     ["integer", "uint256", "int256", "varbinary"],
     [[1, "10", "10", "0x11111111111111111111111111111111111111aa"],
      [2, str(2**256 - 2), "-2", "0x222222222222222222222222222222222222bb22"]]),
    (_LOGS + "SELECT count(*) AS n FROM logs WHERE topic0 = keccak(to_utf8('Approval(address,address,uint256)')) AND bytearray_length(data) = 0",
     ["bigint"], [[1]]),
    (_LOGS + "SELECT DISTINCT lower(to_hex(bytearray_substring(topic0, 1, 4))) AS selector FROM logs ORDER BY 1", ["varchar"], [["8c5be1e5"], ["ddf252ad"]]),
    (_LOGS + "SELECT CAST(bytearray_ltrim(bytearray_substring(data, 33)) AS varchar) AS addr FROM logs WHERE block_number IN (1, 3) ORDER BY block_number",
     ["varchar"], [["0x11111111111111111111111111111111111111aa"], ["0x"]]),
    ("SELECT from_hex(substr(s, 3)) AS b, from_hex(s) AS same FROM (VALUES '0xc0ffee') AS t(s)", ["varbinary", "varbinary"], [["0xc0ffee", "0xc0ffee"]]),
    ("SELECT varbinary_starts_with(d, 0xa9059cbb) AS is_transfer, varbinary_position(d, 0xff) AS at FROM (VALUES 0xa9059cbb00ff) AS t(d)",
     ["boolean", "bigint"], [[True, 6]]),
    ("SELECT concat(0xab, 0xcd) AS c, 0xab || X'cd' AS d, varbinary_concat(0xab, 0xcd) = 0xABCD AS e", ["varbinary", "varbinary", "boolean"], [["0xabcd", "0xabcd", True]]),
    # Joins, set operations, subqueries
    ("""WITH t AS (SELECT * FROM (VALUES (0xaa, 1), (0xbb, 2)) AS v(addr, n)),
      labels AS (SELECT * FROM (VALUES (0xaa, 'whale'), (0xcc, 'fund')) AS v(addr, name))
      SELECT t.addr, COALESCE(l.name, CAST(t.addr AS varchar)) AS who FROM t LEFT JOIN labels l ON l.addr = t.addr ORDER BY n""",
     ["varbinary", "varchar"], [["0xaa", "whale"], ["0xbb", "0xbb"]]),
    ("""SELECT COALESCE(a.day, b.day) AS day, a.v, b.w FROM (VALUES (DATE '2024-01-01', 1)) AS a(day, v)
      FULL OUTER JOIN (VALUES (DATE '2024-01-02', 2)) AS b(day, w) ON a.day = b.day ORDER BY 1""",
     ["date", "integer", "integer"], [["2024-01-01", 1, None], ["2024-01-02", None, 2]]),
    ("SELECT 'v2' AS version, 1 AS n UNION ALL SELECT 'v3.1', NULL ORDER BY version", ["varchar(4)", "integer"], [["v2", 1], ["v3.1", None]]),
    ("SELECT x FROM (VALUES 1, 2, 3) AS t(x) EXCEPT SELECT x FROM (VALUES 2) AS s(x) ORDER BY 1", ["integer"], [[1], [3]]),
    ("SELECT x FROM (VALUES 1, 2) AS t(x) WHERE x NOT IN (SELECT y FROM (VALUES 2, NULL) AS s(y))", ["integer"], []),
    ("SELECT x FROM (VALUES 1, 2) AS t(x) WHERE EXISTS (SELECT 1 FROM (VALUES 2, 3) AS s(y) WHERE y = x)", ["integer"], [[2]]),
    ("SELECT x, x * 1.0 / (SELECT sum(x) FROM (VALUES 1, 3) AS s(x)) AS share FROM (VALUES 1, 3) AS t(x) ORDER BY 1",
     ["integer", "decimal(12, 1)"], [[1, "0.3"], [3, "0.8"]]),
    ("""WITH RECURSIVE days (d) AS (SELECT DATE '2024-01-30' UNION ALL SELECT d + interval '1' day FROM days WHERE d < DATE '2024-02-01')
      SELECT d FROM days ORDER BY d""", ["date"], [["2024-01-30"], ["2024-01-31"], ["2024-02-01"]]),
    # Days without rows, balances carried forward
    ("""WITH days AS (SELECT d FROM UNNEST(sequence(DATE '2024-01-01', DATE '2024-01-04', interval '1' day)) AS t(d)),
      moves (d, v) AS (VALUES (DATE '2024-01-01', 5), (DATE '2024-01-03', -2))
      SELECT days.d, sum(COALESCE(v, 0)) OVER (ORDER BY days.d) AS balance, last_value(v) IGNORE NULLS OVER (ORDER BY days.d) AS last
      FROM days LEFT JOIN moves ON moves.d = days.d ORDER BY 1""",
     ["date", "bigint", "integer"], [["2024-01-01", 5, 5], ["2024-01-02", 5, 5], ["2024-01-03", 3, -2], ["2024-01-04", 3, -2]]),
    ("""SELECT d, avg(v) OVER (ORDER BY d ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS ma3,
      sum(v) OVER (ORDER BY d RANGE BETWEEN interval '1' day PRECEDING AND CURRENT ROW) AS last2
      FROM (VALUES (DATE '2024-01-01', 3), (DATE '2024-01-02', 5), (DATE '2024-01-04', 7)) AS t(d, v) ORDER BY d""",
     ["date", "double", "bigint"], [["2024-01-01", 3, 3], ["2024-01-02", 4, 8], ["2024-01-04", 5, 7]]),
    ("""SELECT who, v FROM (SELECT who, v, row_number() OVER (PARTITION BY who ORDER BY v DESC NULLS LAST) AS rn
      FROM (VALUES ('a', 1), ('a', NULL), ('a', 3), ('b', NULL)) AS t(who, v)) WHERE rn = 1 ORDER BY who""",
     ["varchar(1)", "integer"], [["a", 3], ["b", None]]),
    ("""SELECT x, rank() OVER w AS r, ntile(2) OVER w AS half, lead(x, 1, -1) OVER w AS next, first_value(x) OVER w AS top
      FROM (VALUES 10, 30, 20) AS t(x) WINDOW w AS (ORDER BY x DESC) ORDER BY r""",
     ["integer", "bigint", "bigint", "integer", "integer"], [[30, 1, 1, 20, 30], [20, 2, 1, 10, 30], [10, 3, 2, -1, 30]]),
    ("SELECT x, sum(x) OVER () AS total, 100.0 * x / sum(x) OVER () AS pct, count(*) FILTER (WHERE x > 1) OVER () AS big FROM (VALUES 1, 3) AS t(x) ORDER BY 1",
     ["integer", "bigint", "decimal(14, 1)", "bigint"], [[1, 4, "25.0", 1], [3, 4, "75.0", 1]]),
    # Aggregates
    (_TRADES + """SELECT chain, count(DISTINCT taker) AS takers, approx_distinct(token) AS tokens, count_if(usd > 2) AS big,
      max_by(token, usd) AS top, min_by(token, usd) AS least FROM trades GROUP BY chain ORDER BY chain""",
     ["varchar(8)", "bigint", "bigint", "bigint", "varchar(4)", "varchar(4)"],
     [["base", 1, 1, 0, "USDC", "USDC"], ["ethereum", 2, 2, 2, "WETH", "USDC"]]),
    (_TRADES + "SELECT chain, array_agg(token ORDER BY block_time DESC) AS tokens, array_join(array_agg(DISTINCT token ORDER BY token), ', ') AS names FROM trades GROUP BY 1 ORDER BY 1",
     ["varchar(8)", "array(varchar(4))", "varchar"], [["base", ["USDC"], "USDC"], ["ethereum", ["WETH", "USDC", "WETH"], "USDC, WETH"]]),
    (_TRADES + "SELECT chain, token, count(*) AS n, grouping(chain, token) AS g FROM trades GROUP BY ROLLUP (chain, token) ORDER BY g, chain, token",
     ["varchar(8)", "varchar(4)", "bigint", "bigint"],
     [["base", "USDC", 1, 0], ["ethereum", "USDC", 1, 0], ["ethereum", "WETH", 2, 0], ["base", None, 1, 1], ["ethereum", None, 3, 1], [None, None, 4, 3]]),
    (_TRADES + "SELECT COALESCE(chain, 'all') AS chain, count(*) AS n FROM trades GROUP BY GROUPING SETS ((chain), ()) ORDER BY n",
     ["varchar(8)", "bigint"], [["base", 1], ["ethereum", 3], ["all", 4]]),
    (_TRADES + "SELECT sum(usd) FILTER (WHERE chain = 'base') AS base, sum(IF(chain = 'base', 0, usd)) AS rest FROM trades", ["decimal(38, 1)", "decimal(38, 1)"], [["1.5", "6003.0"]]),
    ("SELECT approx_percentile(x, 0.5) AS median, approx_percentile(x, ARRAY[0.0, 1.0]) AS ends, avg(x) AS mean, stddev(x) AS sd FROM (VALUES 1, 2, 9) AS t(x)",
     ["bigint", "array(bigint)", "double", "double"], [[2, [1, 9], 4, 19**0.5]]),
    ("SELECT map_agg(k, v)['b'] AS b, histogram(k) AS h, listagg(k, '|') WITHIN GROUP (ORDER BY v DESC) AS l FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v)",
     ["integer", "map(varchar(1), bigint)", "varchar"], [[2, {"a": 1, "b": 1}, "b|a"]]),
    ("SELECT k FROM (VALUES 'a', 'b', 'a') AS t(k) GROUP BY k HAVING count(*) > 1", ["varchar(1)"], [["a"]]),
    # Arrays, maps, rows, lambdas
    ("SELECT id, n, x FROM (VALUES (1, ARRAY[7, 8]), (2, ARRAY[]), (3, NULL)) AS t(id, xs) CROSS JOIN UNNEST(xs) WITH ORDINALITY AS u(x, n) ORDER BY id, n",
     ["integer", "bigint", "integer"], [[1, 1, 7], [1, 2, 8]]),
    ("SELECT token, delta FROM (VALUES (ARRAY[0xaa, 0xbb], ARRAY[INT256 '5', INT256 '-5'])) AS t(tokens, deltas), UNNEST(tokens, deltas) AS u(token, delta)",
     ["varbinary", "int256"], [["0xaa", "5"], ["0xbb", "-5"]]),
    ("SELECT k, v FROM UNNEST(MAP(ARRAY['x', 'y'], ARRAY[1, 2])) AS t(k, v) ORDER BY k", ["varchar(1)", "integer"], [["x", 1], ["y", 2]]),
    ("SELECT o.recipient, o.amount FROM (SELECT CAST(ROW(0xaa, 5) AS ROW(recipient varbinary, amount uint256)) AS o)", ["varbinary", "uint256"], [["0xaa", "5"]]),
    (("SELECT filter(xs, x -> x > 1) AS f, transform(xs, x -> x * 2) AS t, reduce(xs, 0, (s, x) -> s + x, s -> s) AS r, any_match(xs, x -> x = 3) AS a, "
     "zip_with(xs, xs, (a, b) -> a * b) AS z FROM (VALUES ARRAY[1, 2, 3]) AS v(xs)"),
     ["array(integer)", "array(integer)", "integer", "boolean", "array(integer)"], [[[2, 3], [2, 4, 6], 6, True, [1, 4, 9]]]),
    ("SELECT cardinality(p) AS n, p[1] AS first, element_at(p, -1) AS last, contains(p, 0xbb) AS hops, slice(p, 2, 2) AS rest FROM (VALUES ARRAY[0xaa, 0xbb, 0xcc]) AS t(p)",
     ["bigint", "varbinary", "varbinary", "boolean", "array(varbinary)"], [[3, "0xaa", "0xcc", True, ["0xbb", "0xcc"]]]),
    ("SELECT map_filter(m, (k, v) -> v > 1) AS f, transform_values(m, (k, v) -> v * 10) AS t, element_at(m, 'z') AS z FROM (VALUES MAP(ARRAY['a', 'b'], ARRAY[1, 2])) AS v(m)",
     ["map(varchar(1), integer)", "map(varchar(1), integer)", "integer"], [[{"b": 2}, {"a": 10, "b": 20}, None]]),
    # Text, JSON, links
    ("SELECT split_part(pair, '-', 1) AS base, split(pair, '-')[2] AS quote, upper(substr(pair, 1, 1)) AS u, regexp_replace(pair, '-.*$') AS r FROM (VALUES 'weth-usdc') AS t(pair)",
     ["varchar", "varchar", "varchar", "varchar"], [["weth", "usdc", "W", "weth"]]),
    ("SELECT name FROM (VALUES 'vitalik.eth', 'Bob', NULL) AS t(name) WHERE name LIKE '%.eth' OR regexp_like(name, '(?i)^BOB$') ORDER BY name", ["varchar(11)"], [["Bob"], ["vitalik.eth"]]),
    (("SELECT json_extract_scalar(j, '$.order.maker') AS maker, TRY_CAST(json_extract_scalar(j, '$.order.amount') AS uint256) AS amount, json_value(j, 'lax $.order.maker') AS same, "
     "json_array_length(json_extract(j, '$.path')) AS hops FROM (VALUES '{\"order\": {\"maker\": \"0xaa\", \"amount\": 123456789012345678901234567890}, \"path\": [1, 2]}') AS t(j)"),
     ["varchar", "uint256", "varchar", "bigint"], [["0xaa", "123456789012345678901234567890", "0xaa", 2]]),
    ("SELECT item FROM (VALUES '{\"items\": [\"a\", \"b\"]}') AS t(j) CROSS JOIN UNNEST(CAST(json_extract(j, '$.items') AS ARRAY(VARCHAR))) AS u(item) ORDER BY 1", ["varchar"], [["a"], ["b"]]),
    ("SELECT get_href('https://etherscan.io/tx/' || CAST(h AS varchar), 'tx') AS link, format('%,.2f', v) AS shown FROM (VALUES (0xab, 1234.5)) AS t(h, v)",
     ["varchar", "varchar"], [['<a href="https://etherscan.io/tx/0xab" target="_blank">tx</a>', "1,234.50"]]),
    ("SELECT CASE WHEN v < 10 THEN 'small' WHEN v < 100 THEN 'medium' ELSE 'large' END AS size, count(*) AS n FROM (VALUES 1, 50, 500, 5) AS t(v) GROUP BY 1 ORDER BY n DESC, size",
     ["varchar(6)", "bigint"], [["small", 2], ["large", 1], ["medium", 1]]),
    ("SELECT x FROM (VALUES 3, NULL, 1, 2) AS t(x) ORDER BY x DESC OFFSET 1 LIMIT 2", ["integer"], [[2], [1]]),
    ("SELECT from_unixtime(1700000000) AS t, to_unixtime(from_unixtime(1700000000)) AS u, CAST(from_unixtime(1700000000) AS varchar) AS s",
     ["timestamp(3) with time zone", "double", "varchar"], [["2023-11-14 22:13:20.000 UTC", 1700000000, "2023-11-14 22:13:20.000 UTC"]]),
    ("SELECT date_parse('2024-03-05', '%Y-%m-%d') AS p, DATE '2024-03-05' + interval '1' month AS m, TIMESTAMP '2024-03-05 01:00:00' - TIMESTAMP '2024-03-04 00:00:00' AS age",
     ["timestamp(3)", "date", "interval day to second"], [["2024-03-05 00:00:00.000", "2024-04-05", "1 01:00:00.000"]]),
    ("VALUES (1, 'a'), (2, 'bc')", ["integer", "varchar(2)"], [[1, "a"], [2, "bc"]]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "types", "rows"), PEOPLE)
def test_a_query_that_people_write_gives_dunes_rows_and_types(ask, sql, types, rows):
    """Rows in their order and Dune's type names in the metadata are what Dune gives."""
    result = ask.run(sql)
    assert "result" in result, result.get("error")
    metadata = result["result"]["metadata"]
    assert metadata["column_types"] == types
    names = metadata["column_names"]
    assert [[row[name] for name in names] for row in result["result"]["rows"]] == rows


def test_there_are_about_sixty_of_them():
    """The promise is a number."""
    assert len(PEOPLE) >= 60


#: What stands in the SQL, the value given for it, and the type and value that come of it.
PARAMETERS = [
    ("'{{p}}'", "base", "varchar(4)", "base"),
    ("{{p}}", "'base'", "varchar(4)", "base"),
    ("{{ p }}", 5, "integer", 5),
    ("{{p}}", "1.5", "decimal(2, 1)", "1.5"),
    ("{{p}}", "0xab", "varbinary", "0xab"),
    ("TIMESTAMP '{{p}}'", "2024-03-05 00:00:00", "timestamp(0)", "2024-03-05 00:00:00"),
    ("DATE '{{p}}' - interval '{{n}}' day", "2024-03-05", "date", "2024-03-03"),
    ("UINT256 '{{p}}'", str(2**200), "uint256", str(2**200)),
    ("ARRAY[{{p}}][2]", "1, 2", "integer", 2),
    ("'a' IN ('{{p}}', 'b')", "a", "boolean", True),
    ("contains(split('{{p}}', ','), 'b')", ["a", "b"], "boolean", True),
]


@pytest.mark.parametrize(("written", "value", "dune_type", "expected"), PARAMETERS)
def test_a_parameter_is_text_in_the_query(dune, ask, written, value, dune_type, expected):
    """A value goes into the text as it is, quoted or not; several are joined with commas."""
    dune.save_query(41, f"SELECT {written} AS x")
    given = {"p": value} | ({"n": 2} if "{{n}}" in written else {})
    started = ask.post("/query/41/execute", query_parameters=given).json()
    ask.finished(started["execution_id"])
    answer = ask.get(f"/execution/{started['execution_id']}/results").json()
    assert "result" in answer, answer
    assert answer["result"]["metadata"]["column_types"] == [dune_type]
    assert answer["result"]["rows"] == [{"x": expected}]


#: A saved query's use of its parameter, the name by which it is read, and its value.
VIEWS = [
    ("'{{p}}'", "\"query_51(p='ethereum')\"", "ethereum"),
    ("{{p}}", "\"query_51(p='\\'ethereum\\'')\"", "ethereum"),
    ("{{p}}", "\"query_51(p='5')\"", 5),
    ("{{p}}", "\"query_51(p='uint256 \\'7\\'')\"", "7"),
    ("{{p}}", "\"query_51(p='array[1, 2]')\"", [1, 2]),
    ("{{p}}", "\"query_51( p = '0xab' )\"", "0xab"),
    ("CAST('{{p}}' AS varchar)", "query_51", "fallback"),
]


@pytest.mark.parametrize(("written", "name", "expected"), VIEWS)
def test_a_query_reads_another_with_its_parameters(dune, ask, written, name, expected):
    """The forms of https://docs.dune.com/query-engine/query-a-query."""
    dune.save_query(51, f"SELECT {written} AS x", {"p": "fallback"})
    assert ask.rows(f"SELECT q.x FROM {name} AS q") == [[expected]]
