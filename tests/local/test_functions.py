"""Functions of DuneSQL that test_dunesql.py does not show, one by one."""

# Values are of https://trino.io/docs/current/functions.html and
# https://docs.dune.com/query-engine/Functions-and-operators, or worked out by hand.

from __future__ import annotations

import pytest

#: Expression, Dune's type of it, and its value in JSON.
FUNCTIONS = [
    # Numbers
    ("acos(1) + asin(0) + atan(0) + atan2(0, 1)", "double", 0),
    ("cos(0) + sin(0) + tan(0) + cosh(0) + sinh(0) + tanh(0)", "double", 2),
    ("degrees(pi())", "double", 180),
    ("radians(180) = pi()", "boolean", True),
    ("cbrt(27)", "double", 3),
    ("exp(0) + log2(8) + log10(1000)", "double", 7),
    ("log(2, 8)", "double", 3),
    ("ln(e())", "double", 1),
    ("is_finite(1e0) and is_infinite(infinity()) and is_nan(nan())", "boolean", True),
    ("infinity()", "double", "Infinity"),
    ("random() < 1 and random(5) < 5", "boolean", True),
    ("sign(-5)", "bigint", -1),
    ("sign(-2.5)", "decimal(1, 0)", "-1"),
    ("truncate(12.345)", "decimal(2, 0)", "12"),
    ("truncate(-12.9e0)", "double", -12),
    ("round(1234.5678, -2)", "decimal(9, 4)", "1200.0000"),
    ("width_bucket(5e0, 0, 10, 5)", "bigint", 3),
    ("width_bucket(-1e0, 0, 10, 5) + width_bucket(10e0, 0, 10, 5)", "bigint", 6),
    ("from_base('ff', 16)", "bigint", 255),
    ("to_base(255, 16)", "varchar", "ff"),
    ("greatest(1e0, nan())", "double", 1),
    ("5e0 % 0", "double", "NaN"),
    ("bit_count(9, 64)", "bigint", 2),
    ("bitwise_or(5, 2)", "bigint", 7),
    ("bitwise_xor(5, 1)", "bigint", 4),
    ("bitwise_not(0)", "bigint", -1),
    ("bitwise_left_shift(1, 3)", "bigint", 8),
    ("bitwise_left_shift(1, 64)", "bigint", 0),
    ("bitwise_right_shift(8, 2)", "bigint", 2),
    ("bitwise_right_shift(-1, 63)", "bigint", 1),
    ("bitwise_right_shift_arithmetic(-8, 2)", "bigint", -2),
    # Text
    ("codepoint('a')", "integer", 97),
    ("concat_ws('-', 'a', null, 'b')", "varchar", "a-b"),
    ("concat_ws('-', array['a', null, 'b'])", "varchar", "a-b"),
    ("ends_with('abc', 'bc') and starts_with('abc', 'ab')", "boolean", True),
    ("format('%s%%', 123)", "varchar", "123%"),
    ("format('%.5f', pi())", "varchar", "3.14159"),
    ("format('%03d', 8)", "varchar", "008"),
    ("format('%,.2f', 1234567.89)", "varchar", "1,234,567.89"),
    ("format('%-7s,%7s', 'hello', 'world')", "varchar", "hello  ,  world"),
    ("format('%2$s %3$s %1$s', 'a', 'b', 'c')", "varchar", "b c a"),
    ("format('$%,.0f', 2.5e0)", "varchar", "$3"),
    ("format('%.2f', 2.675e0)", "varchar", "2.68"),
    ("format('%s', null)", "varchar", "null"),
    ("initcap('hellO woRld')", "varchar", "Hello World"),
    ('"left"(\'123456\', 2) || "right"(\'123456\', 2)', "varchar", "1256"),
    ("levenshtein_distance('kitten', 'sitting')", "bigint", 3),
    ("lower('Ab') || upper('Ab')", "varchar", "abAB"),
    ("ltrim('  a') || rtrim('a  ') || trim(' a ')", "varchar", "aaa"),
    ("ltrim('xxa', 'x') || rtrim('axx', 'x') || trim('xax', 'x')", "varchar", "aaa"),
    ("lpad('abc', 2, 'x') || rpad('ab', 5, 'xy')", "varchar", "ababxyx"),
    ("replace('aba', 'a') || replace('aba', 'b', 'c')", "varchar", "baca"),
    ("reverse('abc')", "varchar", "cba"),
    ("split('a,b,c', ',')", "array(varchar)", ["a", "b", "c"]),
    ("split('a,b,c', ',', 2)", "array(varchar)", ["a", "b,c"]),
    ("translate('abcd', 'ab', 'x')", "varchar", "xcd"),
    ("regexp_count('1a 2b 14m', '\\s*[a-z]+\\s*')", "bigint", 3),
    ("regexp_extract_all('1a 2b 14m', '\\d+')", "array(varchar)", ["1", "2", "14"]),
    ("regexp_extract_all('1a 2b 14m', '(\\d+)([a-z]+)', 2)", "array(varchar)", ["a", "b", "m"]),
    ("regexp_position('I have 23 apples', '\\d')", "integer", 8),
    ("regexp_position('I have apples', '\\d')", "integer", -1),
    ("regexp_split('1a 2b 14m', '\\s*[a-z]+\\s*')", "array(varchar)", ["1", "2", "14", ""]),
    ("get_href('https://dune.com', 'Dune')", "varchar", '<a href="https://dune.com" target="_blank">Dune</a>'),
    ("human_readable_seconds(96)", "varchar", "1 minute, 36 seconds"),
    ("url_encode('a b&c~*')", "varchar", "a+b%26c%7E*"),
    ("url_decode('a+b%26c')", "varchar", "a b&c"),
    ("url_extract_host('https://dune.com:443/a/b?c=d#e')", "varchar", "dune.com"),
    ("url_extract_path('https://dune.com:443/a/b?c=d#e')", "varchar", "/a/b"),
    ("url_extract_protocol('https://dune.com:443/a/b?c=d#e')", "varchar", "https"),
    ("url_extract_query('https://dune.com:443/a/b?c=d#e')", "varchar", "c=d"),
    ("url_extract_fragment('https://dune.com:443/a/b?c=d#e')", "varchar", "e"),
    ("url_extract_parameter('https://dune.com/?c=d&e=f', 'e')", "varchar", "f"),
    # Bytes
    ("address_32_from_hex('0x1')", "varbinary", "0x" + "00" * 31 + "01"),
    ("varbinary_concat(0xab, 0xcd)", "varbinary", "0xabcd"),
    ("varbinary_replace(0xabcdab, 0xab, 0x01)", "varbinary", "0x01cd01"),
    ("varbinary_rtrim(0xab0000)", "varbinary", "0xab"),
    ("varbinary_to_decimal(0x" + "ff" * 16 + ")", "decimal(38, 0)", "-1"),
    ("varbinary_to_integer(0xffffffff)", "integer", -1),
    ("lpad(0xab, 3, 0x00) || rpad(0xab, 2, 0xcd)", "varbinary", "0x0000ababcd"),
    ("crc32(to_utf8('123456789'))", "bigint", 0xCBF43926),
    ("md5(to_utf8('')) = from_hex('d41d8cd98f00b204e9800998ecf8427e')", "boolean", True),
    ("sha1(to_utf8('')) = from_hex('da39a3ee5e6b4b0d3255bfef95601890afd80709')", "boolean", True),
    ("length(sha512(0x))", "bigint", 64),
    # RFC 2202 and RFC 4231, test case 2
    ("hmac_md5(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))", "varbinary", "0x750c783e6ab0b503eaa86e310a5db738"),
    ("hmac_sha1(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))", "varbinary", "0xeffcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
    ("hmac_sha256(to_utf8('what do ya want for nothing?'), to_utf8('Jefe'))", "varbinary", "0x5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    ("length(hmac_sha512(0xab, 0xcd))", "bigint", 64),
    ("from_base58('3DZBMRwnSU8f')", "varbinary", "0x030094357700000000"),
    ("to_base58(0x030094357700000000)", "varchar", "3DZBMRwnSU8f"),
    ("bytearray_to_bigint(bytearray_reverse(bytearray_substring(from_base58('3DZBMRwnSU8f'), 2, 8)))", "bigint", 2000000000),
    ("from_tron_address('THHRK1bA7YRPZBcLnTP1SZy9ipUpsRwpo6')", "varbinary", "0x503aa4ad108bd3a89ba0310e23b49fb654cd6986"),
    ("to_tron_address(0x503aa4ad108bd3a89ba0310e23b49fb654cd6986)", "varchar", "THHRK1bA7YRPZBcLnTP1SZy9ipUpsRwpo6"),
    ("to_base64(from_base64('aGk='))", "varchar", "aGk="),
    ("from_big_endian_32(0x00000102)", "integer", 258),
    ("from_big_endian_64(to_big_endian_64(-2))", "bigint", -2),
    ("to_big_endian_32(258)", "varbinary", "0x00000102"),
    ("from_utf8(0xff68)", "varchar", "\ufffdh"),
    ("uuid() is not null", "boolean", True),
    # Moments
    ("current_timezone()", "varchar", "UTC"),
    ("date('2024-01-01')", "date", "2024-01-01"),
    ("date_trunc('day', timestamp '2024-01-01 10:00:00')", "timestamp(0)", "2024-01-01 00:00:00"),
    ("timestamp '2024-01-31' - interval '1' day", "timestamp(3)", "2024-01-30 00:00:00.000"),
    ("timestamp '2024-01-01 10:00 UTC'", "timestamp(0) with time zone", "2024-01-01 10:00:00 UTC"),
    ("interval '1' day / 2", "interval day to second", "0 12:00:00.000"),
    ("2.5 * interval '1' day", "interval day to second", "2 12:00:00.000"),
    ("interval '5' month / 2", "interval year to month", "0-2"),
    ("day(timestamp '2024-01-03 05:00' - timestamp '2024-01-01')", "bigint", 2),
    ("extract(hour from timestamp '2024-01-03 05:00' - timestamp '2024-01-01')", "bigint", 5),
    ("year(interval '14' month) * 100 + month(interval '14' month)", "bigint", 102),
    ("from_iso8601_date('2024-02-29')", "date", "2024-02-29"),
    ("from_iso8601_timestamp('2024-02-29T10:11:12.5Z')", "timestamp(3) with time zone", "2024-02-29 10:11:12.500 UTC"),
    ("to_iso8601(timestamp '2024-02-29 10:11:12.500 UTC')", "varchar", "2024-02-29T10:11:12.500Z"),
    ("to_milliseconds(interval '1' day)", "bigint", 86400000),
    ("format_datetime(timestamp '2024-03-05 13:08:07', 'EEE, d MMM yyyy h:mm a ''UTC''')", "varchar", "Tue, 5 Mar 2024 1:08 PM UTC"),
    ("from_unixtime(1700000000, 'UTC')", "timestamp(3) with time zone", "2023-11-14 22:13:20.000 UTC"),
    ("localtimestamp <= localtimestamp", "boolean", True),
    ("cast(date_trunc('day', timestamp '2024-01-01 02:00 UTC' at time zone 'America/New_York') as date)", "date", "2023-12-31"),
    ("hour(at_timezone(timestamp '2024-07-01 02:00 UTC', 'Europe/Paris'))", "bigint", 4),
    ("sequence(date '2024-01-03', date '2024-01-01', interval '-1' day)", "array(date)", ["2024-01-03", "2024-01-02", "2024-01-01"]),
    ("sequence(timestamp '2024-01-01', timestamp '2024-01-01 02:00', interval '1' hour)", "array(timestamp(0))",
     ["2024-01-01 00:00:00", "2024-01-01 01:00:00", "2024-01-01 02:00:00"]),
    ("sequence(10, 1, -4)", "array(bigint)", [10, 6, 2]),
    # Arrays, maps, rows
    ("array_except(array[1, 1, 2, null], array[2])", "array(integer)", [1, None]),
    ("array_intersect(array[1, 2, 2, null], array[2, null])", "array(integer)", [2, None]),
    ("array_union(array[1, 2], array[2, 3])", "array(integer)", [1, 2, 3]),
    ("array_max(array[1, 3, 2])", "integer", 3),
    ("array_min(array[1, null])", "integer", None),
    ("array_position(array['a', 'b'], 'b')", "bigint", 2),
    ("array_remove(array[1, null, 2, 1], 1)", "array(integer)", [None, 2]),
    ("array_sum(array[1, 2])", "bigint", 3),
    ("array_join(array[1, null, 3], ',', 'x') || array_join(array[1e10, null], ',')", "varchar", "1,x,31.0E10"),
    ("array_join(array[], ',') || array_join(array['a', 'b'], lower('X'))", "varchar", "axb"),
    ("arrays_overlap(array[1, 2], array[2])", "boolean", True),
    ("array[1, null] = array[1, null]", "boolean", None),
    ("array[1, null] = array[2, null]", "boolean", False),
    ("row(1, null) = row(2, null)", "boolean", False),
    ("(1, 'a') in ((1, 'a'), (2, 'b'))", "boolean", True),
    ("flatten(array[array[1], array[2, 3]])", "array(integer)", [1, 2, 3]),
    ("array[interval '1' day, timestamp '2024-01-03' - timestamp '2024-01-01']", "array(interval day to second)",
     ["1 00:00:00.000", "2 00:00:00.000"]),
    ("repeat('a', 3)", "array(varchar(1))", ["a", "a", "a"]),
    ("trim_array(array[1, 2, 3], 1)", "array(integer)", [1, 2]),
    ("zip(array[1, 2], array['a'])", "array(row(integer, varchar(1)))",
     [{"field0": 1, "field1": "a"}, {"field0": 2, "field1": None}]),
    ("cardinality(null)", "bigint", None),
    ("map()", "map(unknown, unknown)", {}),
    ("map_concat(map(array['a'], array[1]), map(array['a', 'b'], array[2, 3]))", "map(varchar(1), integer)", {"a": 2, "b": 3}),
    ("map_entries(map(array['a'], array[1]))", "array(row(varchar(1), integer))", [{"field0": "a", "field1": 1}]),
    ("map_from_entries(array[row('a', 1)])", "map(varchar(1), integer)", {"a": 1}),
    ("map_keys(map(array['a'], array[1]))", "array(varchar(1))", ["a"]),
    ("map_values(map(array['a'], array[1]))", "array(integer)", [1]),
    ("multimap_from_entries(array[row('a', 1), row('b', 2), row('a', 3)])", "map(varchar(1), array(integer))", {"a": [1, 3], "b": [2]}),
    ("transform_keys(map(array['a'], array[1]), (k, v) -> upper(k))", "map(varchar, integer)", {"A": 1}),
    ("try_cast(array['1', 'x'] as array(integer))", "array(integer)", None),
    ("try(array[1][2])", "integer", None),
    # JSON
    ("json_parse('{\"b\": 1.50, \"a\": 2}')", "json", '{"a":2,"b":1.5}'),
    ("json_format(json_parse('[1]'))", "varchar", "[1]"),
    ("json_extract_scalar('{\"a\": 123456789012345678901234567890}', '$.a')", "varchar", "123456789012345678901234567890"),
    ("json_extract_scalar('{\"a b\": 1.50}', '$[\"a b\"]')", "varchar", "1.50"),
    ("json_extract('{\"a\": [1, {\"b\": 2}]}', '$.a[1]')", "json", '{"b":2}'),
    ("json_array_contains('[1, 2]', 2) and not json_array_contains('[\"a\"]', 'b')", "boolean", True),
    ("json_array_get('[1, \"b\"]', -1)", "json", '"b"'),
    ("json_size('{\"a\": [1, 2]}', '$.a')", "bigint", 2),
    ("is_json_scalar('1') and not is_json_scalar('[1]')", "boolean", True),
    ("json_exists('{\"a\": 1}', 'lax $.a') and not json_exists('{\"a\": 1}', 'lax $.b')", "boolean", True),
    ("json_query('{\"a\": \"x\"}', 'lax $.a')", "varchar", '"x"'),
    ("json_query('{\"a\": \"x\"}', 'lax $.a' OMIT QUOTES)", "varchar", "x"),
    ("json_query('{\"a\": [1, 2]}', 'lax $.a[*]' WITH ARRAY WRAPPER)", "varchar", "[1,2]"),
    ("json_value('{\"a\": [{\"b\": 5}]}', 'lax $.a.b' RETURNING bigint)", "bigint", 5),
    ("json_value('{\"a\": 1}', 'strict $.b')", "varchar", None),
    ("cast(json_parse('[{\"n\": 1, \"v\": \"123456789012345678901\"}]') as array(row(n integer, v uint256)))",
     "array(row(n integer, v uint256))", [{"n": 1, "v": "123456789012345678901"}]),
    ("cast(json_parse('{\"a\": 1}') as map(varchar, bigint))", "map(varchar, bigint)", {"a": 1}),
    ("cast(map(array['b', 'a'], array[1, null]) as json)", "json", '{"a":null,"b":1}'),
    ("cast(cast(row(1, array['x']) as row(n integer, s array(varchar))) as json)", "json", '{"n":1,"s":["x"]}'),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "dune_type", "value"), FUNCTIONS)
def test_a_function_gives_what_its_documentation_says(ask, expression, dune_type, value):
    """Each expression of the table has the type and the value that Trino's or Dune's pages tell."""
    result = ask.run(f"SELECT {expression} AS x")
    assert "result" in result, result.get("error")
    assert result["result"]["metadata"]["column_types"] == [dune_type]
    assert result["result"]["rows"] == [{"x": value}]


#: Aggregates and windows over a few rows: select list, FROM, types and the one row.
AGGREGATES = [
    ("any_value(x), min(x), bool_or(x > 2), string_agg(cast(x as varchar), ';')", "(VALUES 1) t(x)",
     ["integer", "integer", "boolean", "varchar"], [1, 1, False, "1"]),
    ("corr(x, y), covar_pop(x, y), covar_samp(x, y)", "(VALUES (1, 2), (3, 6)) t(x, y)",
     ["double"] * 3, [1, 2, 4]),
    ("regr_slope(y, x), regr_intercept(y, x)", "(VALUES (1, 3), (2, 5)) t(x, y)", ["double"] * 2, [2, 1]),
    ("stddev_pop(x), stddev_samp(x), var_pop(x), var_samp(x)", "(VALUES 1, 3) t(x)",
     ["double"] * 4, [1, 2**0.5, 1, 2]),
    ("skewness(x) = 0, kurtosis(x) is not null, geometric_mean(x * x) > 1", "(VALUES 1, 2, 3, 4) t(x)",
     ["boolean"] * 3, [True, True, True]),
    ("bitwise_and_agg(x), bitwise_or_agg(x), bitwise_xor_agg(x)", "(VALUES 1, 3) t(x)", ["bigint"] * 3, [1, 3, 2]),
    ("map_union(m)", "(VALUES map(array['a'], array[1]), map(array['b'], array[2])) t(m)",
     ["map(varchar(1), integer)"], [{"a": 1, "b": 2}]),
    ("multimap_agg(k, v)", "(VALUES ('a', 1), ('a', 2)) t(k, v)", ["map(varchar(1), array(integer))"], [{"a": [1, 2]}]),
    ("max(x), min(x), max(x, 2)", "(VALUES nan(), 1e0) t(x)", ["double", "double", "array(double)"], [1, 1, ["NaN", 1]]),
    ("max_by(x, y, 2), min_by(x, y, 2)", "(VALUES (1, 20), (2, 30), (3, 10)) t(x, y)", ["array(integer)"] * 2, [[2, 1], [3, 1]]),
    ("avg(d), sum(m)", "(VALUES (interval '1' day, interval '1' month), (interval '2' day, interval '2' month)) t(d, m)",
     ["interval day to second", "interval year to month"], ["1 12:00:00.000", "0-3"]),
    ("avg(x), sum(x)", "(VALUES real '1.5') t(x)", ["real", "real"], [1.5, 1.5]),
]  # fmt: skip


@pytest.mark.parametrize(("selected", "source", "types", "row"), AGGREGATES)
def test_an_aggregate_gives_what_its_documentation_says(ask, selected, source, types, row):
    """Each select list of the table has its types and its one row."""
    result = ask.run(f"SELECT {selected} FROM {source}")
    assert "result" in result, result.get("error")
    metadata = result["result"]["metadata"]
    assert metadata["column_types"] == types
    assert [
        [one[name] for name in metadata["column_names"]] for one in result["result"]["rows"]
    ] == [row]


def test_window_functions_give_what_their_documentation_says(ask):
    """Rank, distribution and neighbours over three rows, two of them equal."""
    assert ask.rows(
        "SELECT x, dense_rank() OVER w, ntile(2) OVER (ORDER BY x), percent_rank() OVER w, "
        "cume_dist() OVER w, lead(x) OVER (ORDER BY x), "
        "nth_value(x, 2) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) "
        "FROM (VALUES 1, 1, 2) AS t(x) WINDOW w AS (ORDER BY x) ORDER BY x, 3"
    ) == [[1, 1, 1, 0, 2 / 3, 1, 1], [1, 1, 1, 0, 2 / 3, 2, 1], [2, 2, 2, 1, 1, None, 1]]


#: What Trino refuses, and its words where they are known.
REFUSED = [
    ("array[1, 2][0]", "SQL array indices start at 1"),
    ("array[1, 2][-1]", "Array subscript is negative: -1"),
    ("array[1, 2][3]", "Array subscript must be less than or equal to array length: 3 > 2"),
    ("element_at(array[1], 0)", "SQL array indices start at 1"),
    ("split_part('a.b', '.', 0)", "Index must be greater than zero"),
    ("split('a', '')", "The delimiter may not be the empty string"),
    ("repeat(1, -1)", "count argument of repeat function must be greater than or equal to 0"),
    ("sequence(1, 5, -2)", "sequence stop value should be greater than or equal to start value"),
    ("sequence(1, 20000)", "result of sequence function must not have more than 10000 entries"),
    ("sequence(date '2024-01-03', date '2024-01-01', interval '1' day)", "sequence stop value should be"),
    ("from_hex('abc')", "Odd number of hexadecimal digits"),
    ("from_hex('zz')", "Invalid hexadecimal digit"),
    ("json_extract('{}', 'a')", "Invalid JSON path: 'a'"),
    ("json_parse('[1,')", "Cannot convert value to JSON: '[1,'"),
    ("cast('a' as integer)", "Cannot cast 'a' to INT"),
    ("cast('2024-02-30' as date)", "Value cannot be cast to date: 2024-02-30"),
    ("cast('2024-01-01 10:00:00 UTC' as timestamp)", "Value cannot be cast to timestamp"),
    ("cast(300 as tinyint)", "Out of range for tinyint: 300"),
    ("bigint '9223372036854775807' + 1", "bigint addition overflow: 9223372036854775807 + 1"),
    ("date_parse('x', '%Y')", 'Invalid format: "x"'),
    ("map(array['a', 'a'], array[1, 2])", "Duplicate map keys are not allowed"),
    ("(SELECT x FROM (VALUES 1, 2) t(x))", "Scalar sub-query has returned multiple rows"),
    ("- uint256 '5'", "line 1:18: Cannot apply operator: -uint256"),
    ("1 = '1'", "line 1:10: Cannot apply operator: integer = varchar(1)"),
    ("date_trunc('hour', date '2024-01-01')", "line 1:19: 'hour' is not a valid DATE field"),
    ("date_diff('decade', now(), now())", "line 1:18: 'decade' is not a valid TIMESTAMP field"),
    ("1::integer", "line 1:9: mismatched input ':'"),
    ("1 == 1", "line 1:11: mismatched input '='"),
    ("[1, 2]", "line 1:9: mismatched input"),
    ("x FROM (VALUES 1) t(x) QUALIFY true", "line 1:31: mismatched input 'QUALIFY'"),
    ("DISTINCT ON (x) x FROM (VALUES 1) t(x)", "line 1:21: DISTINCT ON is not supported"),
    ("* EXCLUDE (x) FROM (VALUES (1, 2)) t(x, y)", "line 1:8: a star without some columns is not supported"),
    ("x FROM (VALUES 1) t(x) LIMIT 1 + 1", "line 1:37: this LIMIT is not supported"),
    ("DISTINCT x FROM (VALUES 1) t(x) ORDER BY x + 1", "line 1:49: For SELECT DISTINCT, ORDER BY expressions"),
    ("1 AS from", "line 1:13: mismatched input 'from'"),
    ("x FROM (VALUES 1) t(x) WHERE row_number() OVER () = 1", "line 1:37: WHERE clause cannot contain aggregations, window"),
    ("now() AT TIME ZONE 'Asia/Tokyo'", "line 1:8: a time zone other than UTC here is not supported"),
    ("map(array[1], array[2]) = map(array[1], array[2])", "line 1:32: map(integer, integer) = map(integer, integer) is not"),
    ("regexp_like('ab', 'a(?=b)')", "invalid perl operator"),
    ("regexp_extract('abc', '(b)', 5)", "regexp_extract of a group that may be missing is not supported"),
    ("regexp_extract('b', '(a)?b', 1)", "regexp_extract of a group that may be missing is not supported"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "message"), REFUSED)
def test_what_trino_refuses_fails_here_too(ask, expression, message):
    """DuckDB would take most of these: here they fail, in Trino's words where they are known."""
    answer = ask.run(f"SELECT {expression}")
    assert answer["state"] == "QUERY_STATE_FAILED", answer
    assert answer["error"]["message"].startswith(message)


def test_nan_sorts_after_the_numbers_both_ways(ask):
    """Trino puts NaN behind the numbers in either direction, and nulls behind it."""
    values = "(VALUES nan(), 2e0, null, 1e0) AS t(x)"
    assert ask.rows(f"SELECT x FROM {values} ORDER BY x") == [[1], [2], ["NaN"], [None]]
    assert ask.rows(f"SELECT x FROM {values} ORDER BY x DESC") == [[2], [1], ["NaN"], [None]]
    assert ask.rows(f"SELECT array_agg(x ORDER BY x DESC) FROM {values}") == [[[2, 1, "NaN", None]]]


def test_an_asof_join_takes_the_nearest_row(ask):
    """Dune's ASOF JOIN keeps matched rows; its LEFT one keeps them all."""
    tables = (
        "WITH trades(ts) AS (VALUES 5, 7, 0), quotes(ts, price) AS (VALUES (1, 100.0), (6, 101.5)) "
        "SELECT trades.ts, price FROM trades ASOF {} quotes ON quotes.ts <= trades.ts ORDER BY 1"
    )
    assert ask.rows(tables.format("JOIN")) == [[5, "100.0"], [7, "101.5"]]
    assert ask.rows(tables.format("LEFT JOIN")) == [[0, None], [5, "100.0"], [7, "101.5"]]


def test_a_failure_inside_a_saved_query_is_placed_at_its_name(dune, ask):
    """The place is in the text that was sent, not in that of the saved query."""
    dune.save_query(31, "SELECT 1 AS a,\n\n\n nosuch AS b")
    error = ask.run("SELECT * FROM query_31")["error"]
    assert error["message"].startswith("line 1:15: Column 'nosuch' cannot be resolved")
    assert error["metadata"] == {"line": 1, "column": 15}
