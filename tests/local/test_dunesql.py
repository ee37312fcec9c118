"""DuneSQL: values, Dune's types, and failures of what people write."""

# A case reads best on one line.

from __future__ import annotations

import pytest

MAX = str(2**256 - 1)

#: Expression, Dune's type of it, and its value in JSON.
EXPRESSIONS = [
    # Literals
    ("1", "integer", 1),
    ("2147483648", "bigint", 2147483648),
    ("1.50", "decimal(3, 2)", "1.50"),
    ("0.5", "decimal(1, 1)", "0.5"),
    ("1e18", "double", 1000000000000000000),
    ("'it''s'", "varchar(4)", "it's"),
    ("null", "unknown", None),
    ("true", "boolean", True),
    ("0xabCD", "varbinary", "0xabcd"),
    ("0x", "varbinary", "0x"),
    ("X'00ff'", "varbinary", "0x00ff"),
    ("date '2024-01-31'", "date", "2024-01-31"),
    ("decimal '1.50'", "decimal(3, 2)", "1.50"),
    ("json '{\"a\": 1}'", "json", '{"a":1}'),
    ("interval '1' day", "interval day to second", "1 00:00:00.000"),
    ("interval '-2' hour", "interval day to second", "-0 02:00:00.000"),
    ("interval '14' month", "interval year to month", "1-2"),
    # Integer arithmetic truncates towards zero and never widens by itself
    ("7 / 2", "integer", 3),
    ("-7 / 2", "integer", -3),
    ("-7 % 3", "integer", -1),
    ("bigint '7' / 2", "bigint", 3),
    ("9007199254740993 / 1", "bigint", 9007199254740993),
    ("2147483647 + bigint '1'", "bigint", 2147483648),
    ("7 / 2e0", "double", 3.5),
    ("1e0 / 0", "double", "Infinity"),
    ("0e0 / 0", "double", "NaN"),
    # Decimals: Trino's precision and scale, halves away from zero
    ("7 / 2.0", "decimal(12, 1)", "3.5"),
    ("1.5 * 2", "decimal(12, 1)", "3.0"),
    ("1.25 + 1", "decimal(13, 2)", "2.25"),
    ("2.50 % 2", "decimal(3, 2)", "0.50"),
    ("cast(1 as decimal(5, 2)) / 3", "decimal(5, 2)", "0.33"),
    ("cast(200 as decimal(5, 2)) / 3", "decimal(5, 2)", "66.67"),
    ("round(1.25, 1)", "decimal(4, 2)", "1.30"),
    ("ceil(1.2)", "decimal(2, 0)", "2"),
    ("round(2.5)", "decimal(2, 0)", "3"),
    # 256-bit integers: exact to the last digit
    (f"uint256 '{MAX}' - 1", "uint256", str(2**256 - 2)),
    ("uint256 '340282366920938463463374607431768211456' * 3", "uint256", str(3 * 2**128)),
    ("2 * uint256 '1'", "uint256", "2"),
    ("uint256 '7' / 2", "uint256", "3"),
    ("int256 '-7' / 2", "int256", "-3"),
    ("int256 '-7' % 3", "int256", "-1"),
    ("- int256 '5'", "int256", "-5"),
    ("abs(int256 '-5')", "int256", "5"),
    ("int256 '1' - uint256 '2'", "int256", "-1"),
    ("uint256 '7' / 1e18", "double", 7e-18),
    ("uint256 '3' / 2.0", "double", 1.5),
    ("uint256 '10' > 9", "boolean", True),
    ("int256 '-1' < uint256 '0'", "boolean", True),
    ("coalesce(1, int256 '2')", "int256", "1"),
    ("case when false then bigint '0' when false then int256 '1' else uint256 '2' end", "int256", "2"),
    (f"cast(uint256 '{MAX}' as double)", "double", float(2**256 - 1)),
    ("cast(1e18 as uint256)", "uint256", "1000000000000000000"),
    ("cast(1.5 as uint256)", "uint256", "2"),
    ("cast('12' as int256)", "int256", "12"),
    ("cast(uint256 '255' as varbinary)", "varbinary", "0x" + "00" * 31 + "ff"),
    ("cast(uint256 '255' as varchar)", "varchar", "255"),
    # Comparisons and three-valued logic
    ("1 = null", "boolean", None),
    ("1 in (2, null)", "boolean", None),
    ("1 is distinct from null", "boolean", True),
    ("null is not distinct from null", "boolean", True),
    ("2 between 1 and 3", "boolean", True),
    ("'a' < 'b' and not 1 > 2 or false", "boolean", True),
    ("'a%b' like 'a\\%b' escape '\\'", "boolean", True),
    ("'A' like 'a'", "boolean", False),
    ("0xab = 0xAB", "boolean", True),
    ("date '2024-01-01' < timestamp '2024-01-01 00:00:01'", "boolean", True),
    ("nan() = nan()", "boolean", False),
    ("nan() <> nan()", "boolean", True),
    ("nan() > 1e0", "boolean", False),
    ("1e0 < nan()", "boolean", False),
    # Conditionals
    ("if(true, 1, 2.5)", "decimal(11, 1)", "1.0"),
    ("if(false, 1)", "integer", None),
    ("coalesce(null, 'x')", "varchar(1)", "x"),
    ("nullif(1, 1)", "integer", None),
    ("greatest(1, 2, null)", "integer", None),
    ("least(1, 2e0)", "double", 1),
    ("case 2 when 1 then 'one' else 'many' end", "varchar(4)", "many"),
    ("try(1 / 0)", "integer", None),
    ("try(cast('x' as date))", "date", None),
    ("try_cast('x' as bigint)", "bigint", None),
    ("try_cast('5' as bigint)", "bigint", 5),
    ("try(uint256 '1' - 2)", "uint256", None),
    # Casts
    ("cast(2.5e0 as bigint)", "bigint", 3),
    ("cast(-2.5e0 as bigint)", "bigint", -3),
    ("cast(1.005 as decimal(3, 2))", "decimal(3, 2)", "1.01"),
    ("cast(1e10 as varchar)", "varchar", "1.0E10"),
    ("cast(1.5e0 as varchar)", "varchar", "1.5"),
    ("cast(1e-5 as varchar)", "varchar", "1.0E-5"),
    ("cast('abc' as varchar(2))", "varchar(2)", "ab"),
    ("cast('a' as char(3))", "char(3)", "a  "),
    ("cast(5 as boolean)", "boolean", True),
    ("cast(0xab as varchar)", "varchar", "0xab"),
    ("cast('0xab' as varbinary)", "varbinary", "0x30786162"),
    ("cast('2024-01-01 10:00:00.1239' as timestamp)", "timestamp(3)", "2024-01-01 10:00:00.124"),
    ("cast(date '2024-01-01' as timestamp)", "timestamp(3)", "2024-01-01 00:00:00.000"),
    ("cast(cast('2024-01-01 10:00:00 UTC' as timestamp with time zone) as date)", "date", "2024-01-01"),
    ("cast(row(1, 'a') as row(n bigint, s varchar)).n", "bigint", 1),
    ("cast(array['1', '2'] as array(bigint))", "array(bigint)", [1, 2]),
    ("cast(map(array['a'], array[1]) as map(varchar, uint256))", "map(varchar, uint256)", {"a": "1"}),
    ("cast(json_extract('{\"a\": 5}', '$.a') as bigint)", "bigint", 5),
    # Moments
    ("date_trunc('month', date '2024-03-05')", "date", "2024-03-01"),
    ("cast(date_trunc('week', timestamp '2024-03-07 10:00:00') as date)", "date", "2024-03-04"),
    ("date_diff('day', timestamp '2024-01-01 12:00:00', timestamp '2024-01-03 11:00:00')", "bigint", 1),
    ("date_diff('month', date '2024-01-31', date '2024-02-29')", "bigint", 1),
    ("date_add('month', 1, date '2024-01-31')", "date", "2024-02-29"),
    ("date '2024-01-31' + interval '1' month", "date", "2024-02-29"),
    ("date '2024-03-01' - date '2024-02-01'", "interval day to second", "29 00:00:00.000"),
    ("interval '1' day * 2", "interval day to second", "2 00:00:00.000"),
    ("from_unixtime(1700000000)", "timestamp(3) with time zone", "2023-11-14 22:13:20.000 UTC"),
    ("to_unixtime(cast('2024-01-01 00:00:00 UTC' as timestamp with time zone))", "double", 1704067200),
    ("year(date '2024-03-05') + extract(month from date '2024-03-05')", "bigint", 2027),
    ("day_of_week(date '2024-03-03')", "bigint", 7),
    ("date_format(cast('2024-03-05 09:08:07' as timestamp), '%Y/%m/%d %H:%i:%s %W')", "varchar", "2024/03/05 09:08:07 Tuesday"),
    ("date_parse('05.03.2024', '%d.%m.%Y')", "timestamp(3)", "2024-03-05 00:00:00.000"),
    ("cast(cast('2024-03-05 10:11:12.5' as timestamp) as varchar)", "varchar", "2024-03-05 10:11:12.500"),
    ("last_day_of_month(date '2024-02-01')", "date", "2024-02-29"),
    ("date_trunc('day', now()) = current_date", "boolean", True),
    ("now() at time zone 'UTC' > current_timestamp - interval '1' hour", "boolean", True),
    # Text
    ("substr('hello', 2, 3)", "varchar", "ell"),
    ("substr('hello', -3)", "varchar", "llo"),
    ("substr('hello', 0)", "varchar", ""),
    ("substring('hello' from 2 for 1)", "varchar", "e"),
    ("split_part('a,b', ',', 3)", "varchar", None),
    ("concat('a', 'b') || 'c'", "varchar", "abc"),
    ("'a' || null", "varchar", None),
    ("regexp_extract('abc1', '(\\d)', 1)", "varchar", "1"),
    ("regexp_extract('abc', 'x')", "varchar", None),
    ("regexp_replace('a1b', '(\\d)', '<$1>')", "varchar", "a<1>b"),
    ("regexp_like('abc', 'b')", "boolean", True),
    ("strpos('abc', 'c') + position('b' in 'abc')", "bigint", 5),
    ("trim(chr(9) || ' a ')", "varchar", "a"),
    ("trim(leading 'x' from 'xxa')", "varchar(3)", "a"),
    ("lpad('1', 3, '0')", "varchar", "001"),
    ("length('é')", "bigint", 1),
    ("typeof(1.5)", "varchar(13)", "decimal(2, 1)"),
    # Bytes
    ("bytearray_substring(0xabcdef, 2, 1)", "varbinary", "0xcd"),
    ("varbinary_to_uint256(0x0100)", "uint256", "256"),
    ("bytearray_to_int256(0x" + "ff" * 32 + ")", "int256", "-1"),
    ("bytearray_to_bigint(0x0100)", "bigint", 256),
    ("bytearray_length(0xabcd)", "bigint", 2),
    ("bytearray_starts_with(0xabcd, 0xab)", "boolean", True),
    ("bytearray_position(0xabcd, 0xcd)", "bigint", 2),
    ("bytearray_reverse(0xabcd)", "varbinary", "0xcdab"),
    ("bytearray_ltrim(0x0000ab)", "varbinary", "0xab"),
    ("0xab || 0xcd", "varbinary", "0xabcd"),
    ("to_hex(0xab)", "varchar", "AB"),
    ("from_hex('0xab')", "varbinary", "0xab"),
    ("from_utf8(0x6869)", "varchar", "hi"),
    ("keccak(to_utf8('Transfer(address,address,uint256)'))", "varbinary",
     "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"),
    ("sha256(to_utf8(''))", "varbinary",
     "0xe3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    # Arrays, maps, rows
    ("array[1, 2, 3][2]", "integer", 2),
    ("element_at(array[1], 5)", "integer", None),
    ("cardinality(array[1, 2])", "bigint", 2),
    ("transform(array[1, 2], x -> x * 2)", "array(integer)", [2, 4]),
    ("filter(array[1, 2, 3], x -> x > 1)", "array(integer)", [2, 3]),
    ("reduce(array[1, 2, 3], 0, (s, x) -> s + x, s -> s)", "integer", 6),
    ("reduce(array[1, 2, 3], 0e0, (s, x) -> s + x, s -> s / 2)", "double", 3),
    ("transform(array[array[1], array[2]], x -> reduce(x, 0, (s, y) -> s + y, s -> s))", "array(integer)", [1, 2]),
    ("any_match(array[1, 2], x -> x = 2)", "boolean", True),
    ("all_match(array[1, null], x -> x = 1)", "boolean", None),
    ("none_match(array[1], x -> x = 2)", "boolean", True),
    ("zip_with(array[1, 2], array[3], (x, y) -> coalesce(y, x))", "array(integer)", [3, 2]),
    ("array_sort(array[3, 1, null, 2])", "array(integer)", [1, 2, 3, None]),
    ("array_distinct(array[1, 1, null, null, 2])", "array(integer)", [1, None, 2]),
    ("contains(array[1, null], 2)", "boolean", None),
    ("sequence(3, 1)", "array(bigint)", [3, 2, 1]),
    ("sequence(date '2024-01-31', date '2024-03-31', interval '1' month)", "array(date)",
     ["2024-01-31", "2024-02-29", "2024-03-31"]),
    ("slice(array[1, 2, 3], -2, 2)", "array(integer)", [2, 3]),
    ("array[1] || 2 || array[3]", "array(integer)", [1, 2, 3]),
    ("array_join(array['a', 'b'], '-')", "varchar", "a-b"),
    ("array[uint256 '1', 2]", "array(uint256)", ["1", "2"]),
    ("map(array['a', 'b'], array[1, 2])['b']", "integer", 2),
    ("element_at(map(array['a'], array[1]), 'z')", "integer", None),
    ("map_filter(map(array['a', 'b'], array[1, 2]), (k, v) -> v > 1)", "map(varchar(1), integer)", {"b": 2}),
    ("transform_values(map(array['a'], array[1]), (k, v) -> k || 'x')", "map(varchar(1), varchar)", {"a": "ax"}),
    ("row(1, 'a')", "row(integer, varchar(1))", {"field0": 1, "field1": "a"}),
    ("row(1, 'a')[2]", "varchar(1)", "a"),
    ("row(null, 1)", "row(unknown, integer)", {"field0": None, "field1": 1}),
    ("cast(array[1] as array(decimal(5)))", "array(decimal(5, 0))", ["1"]),
    ("cast(array[date '2024-01-01'] as array(timestamp))", "array(timestamp(3))", ["2024-01-01 00:00:00.000"]),
    ("array[null]", "array(unknown)", [None]),
    # JSON, numbers
    ("json_extract_scalar('{\"a\": {\"b\": [1, 2]}}', '$.a.b[1]')", "varchar", "2"),
    ("json_extract_scalar('{\"a\": {}}', '$.a')", "varchar", None),
    ("json_array_length('[1, 2]')", "bigint", 2),
    ("json_value('{\"a\": \"q\"}', 'lax $.a')", "varchar", "q"),
    ("mod(-7, 3)", "integer", -1),
    ("power(2, 10)", "double", 1024),
    ("ln(0)", "double", "-Infinity"),
    ("sqrt(-1)", "double", "NaN"),
    ("floor(-1.5e0)", "double", -2),
    ("round(-2.5e0)", "double", -3),
    ("bitwise_and(5, 4)", "bigint", 4),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "dune_type", "value"), EXPRESSIONS)
def test_an_expression_has_the_type_and_the_value_that_dune_gives_it(
    ask, expression, dune_type, value
):
    """Each expression of the table has Dune's type and value."""
    result = ask.run(f"SELECT {expression} AS x")
    assert "result" in result, result.get("error")
    assert result["result"]["metadata"]["column_types"] == [dune_type]
    assert result["result"]["rows"] == [{"x": value}]


#: Query, and its rows.
QUERIES = [
    ("SELECT x, count(*) AS n FROM (VALUES 1, 1, 2) AS t(x) GROUP BY x ORDER BY x", [[1, 2], [2, 1]]),
    ("SELECT lower(s) || 'x', count(*) FROM (VALUES 'A', 'a') AS t(s) GROUP BY lower(s)", [["ax", 2]]),
    ("SELECT x % 2 AS parity, sum(x) FROM (VALUES 1, 2, 3) AS t(x) GROUP BY 1 HAVING sum(x) > 2 ORDER BY 2 DESC",
     [[1, 4]]),
    ("SELECT a, count(*) FROM (VALUES 1, 1, 2) AS t(a) GROUP BY ROLLUP (a) ORDER BY a", [[1, 2], [2, 1], [None, 3]]),
    ("SELECT grouping(a), a, b, count(*) FROM (VALUES (1, 2)) AS t(a, b) GROUP BY GROUPING SETS ((a), (b)) ORDER BY 1",
     [[0, 1, None, 1], [1, None, 2, 1]]),
    ("SELECT count(*) * 100.0 / sum(count(*)) OVER () AS pct FROM (VALUES 1, 1, 2) AS t(x) GROUP BY x ORDER BY 1",
     [["33.3"], ["66.7"]]),
    ("SELECT DISTINCT x FROM (VALUES 2, 1, 2) AS t(x) ORDER BY x DESC LIMIT 1", [[2]]),
    ("SELECT x FROM (VALUES 1, 2, 3) AS t(x) ORDER BY x OFFSET 1 LIMIT 1", [[2]]),
    ("SELECT x FROM (VALUES 1, 2, 3) AS t(x) ORDER BY x FETCH FIRST 1 ROWS ONLY", [[1]]),
    ("SELECT x FROM (VALUES 1, null, 2) AS t(x) ORDER BY x DESC", [[2], [1], [None]]),
    ("SELECT x AS y FROM (VALUES (1, 2), (2, 1)) AS t(x, y) ORDER BY y", [[1], [2]]),
    ("SELECT 1 AS a UNION SELECT 2e0 UNION ALL SELECT null ORDER BY a", [[1], [2], [None]]),
    ("SELECT 1 EXCEPT SELECT 1", []),
    ("(SELECT 1 AS a) INTERSECT (SELECT 1)", [[1]]),
    ("WITH a AS (SELECT 1 AS x UNION ALL SELECT 2), b AS (SELECT x * 2 AS y FROM a) SELECT * FROM a JOIN b ON a.x * 2 = b.y ORDER BY 1",
     [[1, 2], [2, 4]]),
    ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT sum(n) FROM r", [[15]]),
    ("SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS a(id, v) JOIN (VALUES (2, 'z')) AS b(id, w) USING (id)", [[2, "y", "z"]]),
    ("SELECT id, w FROM (VALUES (1, 'x')) AS a(id, v) FULL JOIN (VALUES (2, 'z')) AS b(id, w) USING (id) ORDER BY id",
     [[1, None], [2, "z"]]),
    ("SELECT a.x, b.x AS y FROM (VALUES 1, 2) AS a(x) LEFT JOIN (VALUES 2) AS b(x) ON a.x = b.x ORDER BY 1", [[1, None], [2, 2]]),
    ("SELECT x FROM (VALUES 1, 2) AS t(x) WHERE x IN (SELECT y FROM (VALUES bigint '2') AS s(y))", [[2]]),
    ("SELECT x FROM (VALUES 1, 2) AS t(x) WHERE NOT EXISTS (SELECT 1 FROM (VALUES 2) AS s(y) WHERE y = x)", [[1]]),
    ("SELECT x, (SELECT max(y) FROM (VALUES 5, 6) AS s(y) WHERE y > x) FROM (VALUES 5, 6) AS t(x)", [[5, 6], [6, None]]),
    ("SELECT t.a, v, n FROM (VALUES ARRAY[10, 20]) AS t(a) CROSS JOIN UNNEST(t.a) WITH ORDINALITY AS u(v, n)",
     [[[10, 20], 10, 1], [[10, 20], 20, 2]]),
    ("SELECT p, q FROM UNNEST(ARRAY[1, 2], ARRAY['a']) AS t(p, q)", [[1, "a"], [2, None]]),
    ("SELECT k, v FROM UNNEST(MAP(ARRAY['x'], ARRAY[1])) AS t(k, v)", [["x", 1]]),
    ("SELECT n, s FROM UNNEST(ARRAY[ROW(1, 'q'), ROW(2, null)]) AS t(n, s)", [[1, "q"], [2, None]]),
    ("SELECT x FROM (VALUES 1) AS t(a) LEFT JOIN UNNEST(CAST(ARRAY[] AS ARRAY(bigint))) AS u(x) ON TRUE", [[None]]),
    ("SELECT x, rank() OVER (ORDER BY x), lag(x) OVER (ORDER BY x), lag(x, 1, 0) OVER (ORDER BY x) FROM (VALUES 1, 1, 3) AS t(x)",
     [[1, 1, None, 0], [1, 1, 1, 1], [3, 3, 1, 1]]),
    ("SELECT sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2, 3) AS t(x) ORDER BY x",
     [[1], [3], [5]]),
    ("SELECT x, last_value(y) IGNORE NULLS OVER (ORDER BY x) FROM (VALUES (1, 5), (2, null)) AS t(x, y) ORDER BY x", [[1, 5], [2, 5]]),
    ("SELECT first_value(x) OVER w, row_number() OVER w FROM (VALUES 1) AS t(x) WINDOW w AS (ORDER BY x)", [[1, 1]]),
    ("SELECT count(DISTINCT x), count_if(x > 1), sum(x) FILTER (WHERE x > 1), bool_and(x > 0), avg(x) FROM (VALUES 1, 2, 2) AS t(x)",
     [[2, 2, 4, True, 5 / 3]]),
    ("SELECT max_by(x, y), min_by(x, y), array_agg(x ORDER BY y DESC), approx_distinct(x) FROM (VALUES (1, 3), (null, 1)) AS t(x, y)",
     [[1, None, [1, None], 1]]),
    ("SELECT listagg(s, ',') WITHIN GROUP (ORDER BY s DESC) FROM (VALUES 'a', 'b') AS t(s)", [["b,a"]]),
    ("SELECT approx_percentile(x, 0.5), approx_percentile(x, ARRAY[0.1, 0.9]) FROM (VALUES 1, 2, 3) AS t(x)", [[2, [1, 3]]]),
    ("SELECT map_agg(k, v), histogram(k) FROM (VALUES ('a', 1), ('b', 2)) AS t(k, v)", [[{"a": 1, "b": 2}, {"a": 1, "b": 1}]]),
    (f"SELECT sum(x), max(x), avg(x) FROM (VALUES uint256 '{2**255}', uint256 '{2**255 - 1}') AS t(x)", [[MAX, str(2**255), 2.0**255]]),
    ("SELECT sum(d), avg(d) FROM (VALUES 1.25, 2.50, 3.00) AS t(d)", [["6.75", "2.25"]]),
    ("SELECT CAST(date_trunc('day', t) AS date), count(*) FROM (VALUES timestamp '2024-01-01 10:00:00') AS v(t) GROUP BY date_trunc('day', t)",
     [["2024-01-01", 1]]),
    ("SELECT blockchain, count(*) FROM dex.trades GROUP BY 1 ORDER BY 2 DESC LIMIT 1", [["ethereum", 12063]]),
    ("SELECT count(*) FROM dex.trades t JOIN ethereum.transactions x ON x.hash = t.tx_hash WHERE t.blockchain = 'ethereum'", [[12063]]),
    ("SELECT max(amount_raw) FROM tokens.transfers", [[MAX]]),
    ("SELECT symbol, count(*) FROM prices.usd WHERE minute >= timestamp '2026-02-01' GROUP BY 1 ORDER BY 1 LIMIT 1", [["DAI", 2160]]),
    ("SELECT count(*) FROM Ethereum.Blocks WHERE NUMBER BETWEEN 24000000 AND 24000100", [[3]]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), QUERIES)
def test_a_query_gives_the_rows_that_dune_gives(ask, sql, rows):
    """Each query of the table gives its rows."""
    assert ask.rows(sql) == rows


#: Query, line, column and the start of what Dune says.
FAILURES = [
    ("SELECT x", 1, 8, "Column 'x' cannot be resolved at line 1, position 8. Please verify that this column exists"),
    ("SELECT 1,\n  nosuch(1)", 2, 3, "Function 'nosuch' not registered"),
    ("SELECT *\nFROM nowhere.here", 2, 6, "Table 'nowhere.here' does not exist"),
    ("SELECT length(1)", 1, 8, "Unexpected parameters (integer) for function length"),
    ("SELECT x FROM (VALUES 1) t(x) WHERE x = 'a'", 1, 39, "Cannot apply operator: integer = varchar(1)"),
    ("SELECT x, count(*) FROM (VALUES (1, 2)) t(x, y) GROUP BY y", 1, 8, "'x' must be an aggregate expression"),
    ("SELECT x FROM (VALUES 1) a(x), (VALUES 2) b(x)", 1, 8, "Column 'x' is ambiguous"),
    ("SELECT x FROM (VALUES 1) t(x) WHERE sum(x) > 1", 1, 37, "WHERE clause cannot contain aggregations"),
    ("SELECT sum(sum(x)) FROM (VALUES 1) t(x)", 1, 12, "Cannot nest aggregations"),
    ("SELECT rank() FROM (VALUES 1) t(x)", 1, 8, "Window function rank requires an OVER clause"),
    ("SELECT 1 ORDER BY 2", 1, 19, "ORDER BY position 2 is not in select list"),
    ("selecdt 1", 1, 9, "mismatched input"),
    ("SELECT 1 +", 1, 10, "mismatched input"),
    ("SELECT x FROM (VALUES 1) t(x) CROSS JOIN UNNEST(x) u(y)", 1, 49, "Cannot unnest type: integer"),
    ("SELECT date_format(now(), '%U')", 1, 8, "the date format %U is not supported by the embedded Dune"),
    ("SELECT coalesce()", 1, 8, "Unexpected number of arguments for function coalesce"),
    ("SELECT FROM dex.trades", 1, 13, "mismatched input 'FROM'"),
    ("SELECT regexp_replace(5, 'a')", 1, 23, "Expected varchar, found integer"),
    ("SELECT now() AT TIME ZONE 'Europe/Paris'", 1, 8, "a time zone other than UTC here is not supported"),
    ("SELECT * FROM dex.trades TABLESAMPLE BERNOULLI (10)", 1, 15, "SAMPLE in FROM is not supported"),
    ("SELECT cast(x AS hyperloglog) FROM (VALUES 1) t(x)", 1, 13, "Unknown type: hyperloglog"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "line", "column", "message"), FAILURES)
def test_a_query_that_dune_refuses_fails_with_its_place(ask, sql, line, column, message):
    """A wrong query is HTTP 200 with an error object that says what, and where in the SQL."""
    answer = ask.run(sql)
    error = answer["error"]
    assert answer["state"] == "QUERY_STATE_FAILED"
    assert error["message"].startswith(f"line {line}:{column}: {message}")
    assert error["message"].endswith(f"[Execution ID: {answer['execution_id']}]")
    assert error["metadata"] == {"line": line, "column": column}
    assert error["type"] == "FAILED_TYPE_EXECUTION_FAILED"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT 1 / 0", "Division by zero"),
        ("SELECT uint256 '1' - 2", "UINT256 overflow: -1"),
        (f"SELECT uint256 '{MAX}' + 1", f"UINT256 overflow: {2**256}"),
        ("SELECT uint256 '1' + int256 '-1' + x FROM (VALUES uint256 '1') t(x)", None),
        ("SELECT cast(-1 AS uint256)", "UINT256 overflow: -1"),
        ("SELECT cast('1.5' AS bigint)", "Cannot cast '1.5' to BIGINT"),
        ("SELECT array[1][2]", "Array subscript must be less than or equal to array length"),
        ("SELECT map(array['a'], array[1])['b']", "Key not present in map"),
        ("SELECT sum(x) FROM (VALUES 9223372036854775807, 1) t(x)", "Out of range for bigint: 9223372036854775808"),
        ("SELECT 2147483647 + 1", "integer addition overflow: 2147483647 + 1"),
        ("SELECT date '2024-01-01' + interval '1' hour", "Cannot add hour, minutes or seconds to a date"),
    ],
)  # fmt: skip
def test_a_query_that_goes_wrong_while_it_runs_fails_without_a_place(ask, sql, message):
    """What cannot be computed is an error, never another value."""
    answer = ask.run(sql)
    if message is None:
        assert answer["state"] == "QUERY_STATE_COMPLETED"
        return
    assert answer["state"] == "QUERY_STATE_FAILED"
    assert answer["error"]["message"].startswith(message)
    assert "metadata" not in answer["error"]


def test_columns_are_named_as_trino_names_them(ask):
    """An alias or a column gives its name as written; anything else is called after its place."""
    answer = ask.run('SELECT 1, X, x AS "Two words", x + 1 FROM (VALUES 5) AS t(x)')
    names = answer["result"]["metadata"]["column_names"]
    assert names == ["_col0", "X", "Two words", "_col3"]


def test_a_saved_query_is_a_table_with_its_parameters(dune, ask):
    """`query_<id>` reads another query, with values for its parameters; unnamed columns fail."""
    dune.save_query(11, "SELECT x, '{{word}}' AS word FROM (VALUES 1, 2) AS t(x)", {"word": "a"})
    dune.save_query(12, "SELECT 1")
    assert ask.rows("SELECT sum(x), max(word) FROM query_11") == [[3, "a"]]
    assert ask.rows("SELECT DISTINCT word FROM \"query_11(word='it')\"") == [["it"]]
    assert "not specified" in ask.run("SELECT * FROM query_12")["error"]["message"]
    assert "does not exist" in ask.run("SELECT * FROM query_99")["error"]["message"]


def test_saved_queries_that_name_each_other_fail(dune, ask):
    """Views that refer to each other without end are an error, not a hang."""
    dune.save_query(21, "SELECT * FROM query_22")
    dune.save_query(22, "SELECT * FROM query_21")
    assert "without end" in ask.run("SELECT * FROM query_21")["error"]["message"]
