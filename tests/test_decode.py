"""Bodies to tables: JSON in the fast and in the careful way, and CSV."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any, Self

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from type_table import TABLE, WIDE, Row
from wire_kinds import FLAT, Result, plain, quoted, results

from dune_frames._decode.column import typed
from dune_frames._decode.from_csv import carries, decode_csv, spoiling_filter
from dune_frames._decode.from_json import decode_json, read_carefully
from dune_frames._decode.native import Unbelieved, read_natively
from dune_frames._types.schema import Typing, result_schema
from dune_frames._types.table import TypeOptions, arrow_type, parse_type
from dune_frames.errors import DecodeError

Overrides = dict[str, pa.DataType]
#: Flat types that CSV carries.
CARRIED = FLAT.filter(lambda kind: kind.csv)


def schema_of(
    overrides: Overrides | None = None, /, *, options: Any = None, **told: str
) -> pa.Schema:
    typing = Typing(TypeOptions(**options or {}), overrides or {})
    return result_schema(list(told), list(told.values()), typing)


def decode(rows: str, overrides: Overrides | None = None, **told: str) -> dict[str, list[Any]]:
    return decode_json(rows.encode(), schema_of(overrides, **told)).to_pydict()


def from_csv(body: str, overrides: Overrides | None = None, **told: str) -> dict[str, list[Any]]:
    return decode_csv(body.encode(), schema_of(overrides, **told)).to_pydict()


def columns(table: pa.Table) -> list[list[Any]]:
    return [[plain(each) for each in column] for column in table.columns]


# The table of types


@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
@pytest.mark.parametrize("row", TABLE, ids=str)
def test_each_type_from_json(row: Row) -> None:
    """A value of each type, and null beside it, come from JSON as the table says."""
    schema = schema_of(options=row.options, c=row.told)
    table = decode_json(f'[{{"c":{row.json}}},{{"c":null}}]'.encode(), schema)
    assert table.schema.types == [row.arrow]
    assert table["c"].to_pylist() == [row.value, None]


@pytest.mark.parametrize("row", [row for row in TABLE if row.csv is not None], ids=str)
def test_each_type_from_csv(row: Row) -> None:
    """A value of each type that CSV carries, and null beside it, come as the table says."""
    assert carries([row.told])
    schema = schema_of(options=row.options, c=row.told)
    table = decode_csv(f"c\n{row.csv}\n<nil>\n".encode(), schema)
    assert table.schema.types == [row.arrow]
    assert table["c"].to_pylist() == [row.value, None]


@pytest.mark.parametrize("row", [row for row in TABLE if row.csv is None], ids=str)
def test_what_csv_does_not_carry(row: Row) -> None:
    """A type whose CSV form cannot be read back keeps a whole result out of CSV."""
    assert not carries(["bigint", row.told])


# Any result


@given(results())
def test_any_result_from_json(result: Result) -> None:
    """Values of any types, nested at any depth, are what was sent, in `column_names` order."""
    table = decode_json(result.json, result_schema(result.names, result.types, Typing()))
    table.validate(full=True)
    assert table.column_names == result.names
    assert columns(table) == result.columns


@given(results(CARRIED))
def test_any_flat_result_from_csv(result: Result) -> None:
    """Values of any types that CSV carries are what was sent."""
    assert carries(result.types)
    assume("" not in result.names)  # Go writes the header of one empty name as an empty line
    table = decode_csv(result.csv, result_schema(result.names, result.types, Typing()))
    table.validate(full=True)
    assert columns(table) == result.columns


@given(results(), st.sampled_from([None, (", ", ": "), (",", ": "), (" ,", " :")]), st.booleans())
def test_any_white_space_and_escapes(
    result: Result, separators: tuple[str, str] | None, ascii_only: bool
) -> None:
    """White space and the spelling of characters do not change a value."""
    rows = json.loads(result.json, parse_int=_Raw, parse_float=_Raw)
    spelt = json.dumps(
        rows, separators=separators, indent=None if separators else 2, ensure_ascii=ascii_only,
        default=str,
    )  # fmt: skip
    for raw in sorted(_Raw.seen, key=len, reverse=True):
        spelt = spelt.replace(f'"{_Raw.mark}{raw}"', raw)
    table = decode_json(spelt.encode(), result_schema(result.names, result.types, Typing()))
    assert columns(table) == result.columns


class _Raw(str):
    """A number that keeps its spelling through `json`."""

    __slots__ = ()
    mark = "@number@"
    seen: set[str] = set()  # noqa: RUF012 - shared on purpose

    def __new__(cls, text: str) -> Self:
        cls.seen.add(text)
        return super().__new__(cls, cls.mark + text)


@settings(max_examples=300)
@given(results())
def test_both_ways_agree(result: Result) -> None:
    """Where the fast way vouches for rows, it reads what the careful way reads, bit by bit."""
    schema = result_schema(result.names, result.types, Typing())
    try:
        natively = read_natively(result.json, schema)
    except Unbelieved:
        return
    carefully = read_carefully(result.json, schema)
    for fast, slow, field in zip(natively, carefully, schema, strict=True):
        assert [*map(plain, typed(fast, field))] == [*map(plain, typed(slow, field))]


@pytest.mark.parametrize(
    "told",
    ["bigint", "double", "boolean", "varchar", "uint256", "decimal(10, 3)", "real", "unknown",
     "timestamp(3) with time zone", "array(varbinary)", "array(row(a bigint, b varchar))"],
)  # fmt: skip
def test_the_fast_way_reads_common_results(told: str) -> None:
    """Common types take the fast way, with nulls and escapes among the values."""
    values = {
        "bigint": "4", "double": "0.5", "boolean": "true", "real": "0.5", "unknown": "null",
        "decimal(10, 3)": '"0.5"', "array(varbinary)": '["0x",null]',
        "array(row(a bigint, b varchar))": r'[{"a":1,"b":"\"b\":null"},null,{"a":2,"b":""}]',
    }  # fmt: skip
    value = values.get(told, r'"\"c\":null,\\"')
    beside = "[]" if "row" in told else "null"
    rows = f'[{{"c":{value}}},{{"c":{beside}}}]'.encode()
    assert len(read_natively(rows, schema_of(c=told))[0]) == 2


_TOKENS = ["0", "-0", "1", "-1.0", "1.5", "1e3", "9007199254740993.0", "18446744073709551616",
           "true", "false", "null", '"1"', '"x"', '"NaN"', '""', "[]", "[1]", '["1"]', "[null]",
           "[[1]]", "{}", '{"a":1}', '{"a":"1","b":null}', '{"b":"x","a":2}', '{"c":1}',
           '"\\"c\\":null"', "1e400", "-0.0", '"\\ud800"', '"true"', "0.1", "3.5e38", "[1.0]"]  # fmt: skip
_KEYS = ["c", "d", "a", 'c"', "\\"]
_TOLD = ["boolean", "tinyint", "bigint", "real", "double", "decimal(5,1)", "uint256", "varchar",
         "date", "unknown", "array(varchar)", "array(bigint)", "array(array(varchar))",
         "row(a bigint, b varchar)", "array(row(a bigint, b varchar))", "map(varchar, bigint)",
         "hyperloglog"]  # fmt: skip


@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
@settings(max_examples=1000)
@given(
    st.lists(st.sampled_from(_TOLD), min_size=1, max_size=2),
    st.lists(
        st.lists(st.tuples(st.sampled_from(_KEYS), st.sampled_from(_TOKENS)), max_size=3),
        max_size=4,
    ),
)
def test_no_lie_in_json_is_believed(told: list[str], rows: list[list[tuple[str, str]]]) -> None:
    """Whatever stands in the rows, the fast way reads what the careful way does, or neither does.

    Keys may be missing, other ones, or twice there; values of any kind for any type.
    """
    body = "[" + ",".join(
        "{" + ",".join(f"{quoted(key)}:{value}" for key, value in row) + "}" for row in rows
    ) + "]"  # fmt: skip
    schema = result_schema(["c", "d"][: len(told)], told, Typing())
    try:
        slow = [
            typed(*each) for each in zip(read_carefully(body.encode(), schema), schema, strict=True)
        ]
    except DecodeError:
        with pytest.raises(DecodeError):
            decode_json(body.encode(), schema)
        return
    fast = decode_json(body.encode(), schema)
    assert columns(fast) == [[*map(plain, each)] for each in slow]


# What does not fit

MISFITS = [
    ("bigint", "1.5"), ("bigint", "true"), ("bigint", '"x"'), ("bigint", "9223372036854775808"),
    ("bigint", "1e400"), ("bigint", "[1]"), ("bigint", '{"a":1}'), ("bigint", '"0x10"'),
    ("tinyint", "128"), ("integer", "2147483648"), ("bigint", "9007199254740992.5"),
    ("boolean", "1"), ("boolean", '"yes"'), ("double", "true"), ("double", '"x"'),
    ("double", "1e400"), ("real", "1e39"), ("double", "[1.5]"),
    ("uint256", '"1e+30"'), ("uint256", "1e+30"), ("uint256", "1.5"), ("uint256", '""'),
    ("uint256", '"-1"'), ("uint256", f'"{WIDE + 1}"'), ("int256", f'"{2**255}"'),
    ("int256", '"1-2"'), ("uint256", "true"), ("array(uint256)", '["1e+30"]'),
    ("map(varchar, uint256)", '{"a":"1e+30"}'), ("row(a uint256)", '{"a":"1e+30"}'),
    ("map(uint256, varchar)", '{"1e+30":"a"}'),
    ("decimal(10, 3)", '"1.2345"'), ("decimal(10, 3)", '"12345678"'), ("decimal(10, 3)", "1.2345"),
    ("decimal(38, 0)", f'"{"9" * 39}"'), ("decimal(38, 0)", f'"{"9" * 52}"'),
    ("date", '"2021-02-29"'), ("date", '"2021-06-01T10:00:00Z"'), ("date", "2021"),
    ("timestamp(3)", '"yesterday"'), ("timestamp(3)", "1700000000"), ("timestamp(3)", '""'),
    ("timestamp(3) with time zone", '"2021-06-01 10:00:00.000"'),
    ("timestamp(3) with time zone", '"2021-06-01 10:00:00.000 Mars/Base"'),
    ("time(3)", '"25:00:00"'), ("interval day to second", '"2 days"'), ("unknown", "1"),
    ("array(bigint)", "1"), ("array(bigint)", '"[1]"'), ("array(bigint)", '{"a":1}'),
    ("array(bigint)", "[1.5]"), ("array(bigint)", "[true]"), ("array(varchar)", '"x"'),
    ("array(array(varchar))", '["x"]'), ("map(varchar, bigint)", "[1]"),
    ("map(varchar, bigint)", "1"), ("map(varchar, bigint)", '{"a":1,"a":2}'),
    ("row(a bigint, b bigint)", '{"a":1}'), ("row(a bigint, b bigint)", '{"a":1,"b":2,"c":3}'),
    ("row(a bigint, b bigint)", '{"a":1,"c":3}'), ("row(a bigint, b bigint)", "[1]"),
    ("row(a bigint, b bigint)", "[1,2,3]"), ("row(a bigint, b bigint)", '"x"'),
    ("row(a bigint)", "1"), ("array(row(a bigint))", '[{"a":1},2]'), ("varchar", '"\\ud800"'),
]  # fmt: skip


@pytest.mark.parametrize(("told", "value"), MISFITS)
def test_a_json_value_that_does_not_fit(told: str, value: str) -> None:
    """A value that does not fit is an error with column and value: no null, no other value."""
    good = '{"key with space":null,"other":1}'
    rows = f'[{good},{{"key with space":{value},"other":2}}]'
    with pytest.raises(DecodeError) as caught:
        decode(rows, **{"key with space": told, "other": "bigint"})
    if '"a":2}' not in value:
        assert caught.value.column_name == "key with space"
        assert "'key with space'" in str(caught.value)
        assert told in str(caught.value)


@pytest.mark.parametrize(
    ("told", "value", "named"),
    [
        ("bigint", "1.5", "1.5"), ("uint256", "1e+30", "1e+30"), ("boolean", "1", "'1'"),
        ("array(bigint)", '{"a":1}', '{"a":1}'), ("decimal(5, 1)", '"0.25"', "0.25"),
        ("row(a bigint, b bigint)", '{"a":12.50}', "12.50"), ("array(bigint)", "[1,2.50]", "2.50"),
    ],
)  # fmt: skip
def test_the_error_shows_the_value_as_it_was_sent(told: str, value: str, named: str) -> None:
    """The error has the digits that were sent, whichever way found it."""
    with pytest.raises(DecodeError, match="column 'c'") as caught:
        decode(f'[{{"c":null}},{{"c":{value}}}]', c=told)
    assert named in str(caught.value)


BAD_ROWS = [
    '[{"a":1}]', '[{"a":1,"b":2},{"a":1}]', '[{"a":1,"b":2,"c":3}]', '[{"a":1,"c":2}]', "[{}]",
    '[{"a":1,"a":2,"b":3}]', '[{"a":1,"b":null,"b":2}]',
    '[{"a":1,"b":2},{"a":1,"z":null}]', '[{"a":1,"b":2},{"a":1},{"b":null,"a":1,"b":null}]',
    '[{"a":1},{"a":1,"b":2,"c":3}]', '[{"a":1},{"a":1,"b":null,"b":null}]',
    '[{"a":1,"b":2}', '[{"a":1,"b":2},', '[{"a":1,"b":', '[{"a":1,"b":2},]', "", "null", "{}",
    '{"a":1,"b":2}', "[1]", "[null]", '[{"a":1,"b":2},null]', "[[1,2]]", '[{"a":1,"b":2}]x',
    '[{"a":01,"b":2}]', "[" * 3000, '[{"a":1 "b":2}]',
]  # fmt: skip


@pytest.mark.parametrize("rows", BAD_ROWS)
def test_rows_that_are_not_of_these_columns(rows: str) -> None:
    """A missing key, a key too many or twice, a cut body, no array: an error, never a null."""
    with pytest.raises(DecodeError):
        decode(rows, a="bigint", b="bigint")


def test_numbers_in_lists_of_texts_keep_their_spelling() -> None:
    """A number where a list of texts should have a text is the text of the number as it came."""
    found = decode('[{"a":["x"]},{"a":[1.0,1e3]}]', a="array(varchar)")
    assert found == {"a": [["x"], ["1.0", "1e3"]]}


def test_invalid_utf8() -> None:
    """Bytes that are no text are an error in both formats."""
    with pytest.raises(DecodeError):
        decode_json(b'[{"a":"\xff"}]', schema_of(a="varchar"))
    with pytest.raises(DecodeError):
        decode_csv(b"a\n\xff\n", schema_of(a="varchar"))


BAD_CSV = [
    "", "a\n1\n", "b,a,c\n1,2,3\n", "a,a\n1,2\n", "a,c\n1,2\n", "a,b\n1\n", "a,b\n1,2,3\n",
    "a,b\n1,2\n3\n", 'a,b\n1,"2\n', '{"error": "Query state is QUERY_STATE_EXECUTING"}\n',
    "a,b\n\n",
]  # fmt: skip


@pytest.mark.parametrize("body", BAD_CSV)
def test_a_body_that_is_not_this_csv(body: str) -> None:
    """Another header, a line of another length, an open quote: an error."""
    with pytest.raises(DecodeError):
        from_csv(body, a="bigint", b="varchar")


CSV_MISFITS = [
    ("bigint", "1.5"), ("bigint", "9007199254740992"), ("bigint", "9.007199254740993e+15"),
    ("bigint", "-9.1e+18"), ("bigint", "NaN"), ("bigint", "+Inf"), ("bigint", ""), ("bigint", "x"),
    ("bigint", "true"), ("tinyint", "128"), ("integer", "2.147483648e+09"), ("boolean", "1"),
    ("boolean", "TRUE"), ("boolean", ""), ("double", "x"), ("double", ""), ("double", "1e400"),
    ("real", "1e+39"), ("uint256", "1e+30"), ("uint256", "x"), ("uint256", ""), ("uint256", "-1"),
    ("decimal(10, 3)", "1.2345"), ("decimal(38, 0)", "9" * 39), ("decimal(10, 3)", ""),
    ("date", "2021-02-29"), ("date", ""), ("timestamp(3)", "x"), ("timestamp(3)", ""),
    ("timestamp(3) with time zone", "2021-06-01 10:00:00.000"), ("unknown", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "value"), CSV_MISFITS)
def test_a_csv_value_that_does_not_fit(told: str, value: str) -> None:
    """A value that does not fit, or that a float has rounded, is an error with column and value."""
    with pytest.raises(DecodeError) as caught:
        from_csv(f"c,d\n<nil>,1\n{value},2\n", c=told, d="double")
    assert caught.value.column_name == "c"
    assert "'c'" in str(caught.value)


def test_csv_nested_types_are_refused() -> None:
    """What CSV wrote of something nested cannot be read back: an error names the column."""
    with pytest.raises(DecodeError, match="column 'c'"):
        from_csv("c\n[1 2]\n", c="array(bigint)")


# Peculiarities


def test_empty_text_and_null_stay_apart() -> None:
    """`""` and null are two values, in both formats, also where the line is empty then."""
    assert decode('[{"a":""},{"a":null}]', a="varchar") == {"a": ["", None]}
    assert from_csv("a\n\n<nil>\n\n", a="varchar") == {"a": ["", None, ""]}
    assert from_csv("a,b\n,<nil>\n<nil>,\n", a="varchar", b="varchar") == {
        "a": ["", None],
        "b": [None, ""],
    }


def test_a_quoted_nil_is_text() -> None:
    """Only a bare `<nil>` is null in CSV; in JSON it is the text it is."""
    assert from_csv('a\n"<nil>"\n<nil>\n', a="varchar") == {"a": ["<nil>", None]}
    assert decode('[{"a":"<nil>"}]', a="varchar") == {"a": ["<nil>"]}


def test_words_that_others_take_for_null() -> None:
    """NA, null, NaN and the like are texts in a text column."""
    words = ["NA", "null", "NULL", "NaN", "nan", "N/A", "None", "#N/A", "true", "1"]
    assert from_csv("a\n" + "\n".join(words) + "\n", a="varchar") == {"a": words}


def test_columns_come_in_the_order_asked() -> None:
    """The schema's order wins over the order of JSON keys and of CSV's header."""
    assert list(decode('[{"a":1,"b":2}]', b="bigint", a="bigint")) == ["b", "a"]
    assert from_csv("a,b\n1,2\n", b="bigint", a="bigint") == {"b": [2], "a": [1]}


@pytest.mark.parametrize("rows", ["[]", " [ ] ", "[\n]"])
def test_no_rows(rows: str) -> None:
    """An empty page has all columns with their types."""
    schema = schema_of(a="bigint", b="array(uint256)", c="map(varchar, row(x date))")
    assert decode_json(rows.encode(), schema).equals(schema.empty_table())
    flat = schema_of(a="bigint", b="uint256", c="timestamp(3) with time zone", d="decimal(5, 1)")
    assert decode_csv(b"a,b,c,d\n", flat).equals(flat.empty_table())


def test_old_payloads_keep_the_spelling_of_numbers() -> None:
    """Where no type is told, a number's text is what was sent: no digit lost, none added."""
    with pytest.warns(UserWarning, match="not told"):
        schema = result_schema(["a"], None, Typing())
    rows = (
        '[{"a":1.0},{"a":12345678901234567890123},{"a":1e-7},{"a":true},{"a":[1, 2.50]},{"a":"x"}]'
    )
    assert decode_json(rows.encode(), schema)["a"].to_pylist() == [
        "1.0", "12345678901234567890123", "1e-7", "true", "[1,2.50]", "x",
    ]  # fmt: skip


@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
def test_unlisted_types_keep_their_json() -> None:
    """A value of an unlisted type is its text, or its JSON with every number as it came."""
    rows = '[{"a":"x"},{"a":{"k":[1.50,null,"ü"]}},{"a":0.10}]'
    assert decode(rows, a="hyperloglog")["a"] == ["x", '{"k":[1.50,null,"ü"]}', "0.10"]


def test_uint256_as_json_numbers() -> None:
    """Wide integers come through exactly also when JSON writes them as numbers."""
    assert decode(f'[{{"a":{WIDE}}},{{"a":7}}]', a="uint256") == {"a": [str(WIDE), "7"]}
    assert decode(f'[{{"a":[{WIDE}]}}]', a="array(uint256)") == {"a": [[str(WIDE)]]}


def test_decimals_as_json_numbers() -> None:
    """Decimals come through exactly also when JSON writes them as numbers."""
    found = decode('[{"a":12345678901234567890.123}]', a="decimal(38, 3)")["a"]
    assert str(found[0]) == "12345678901234567890.123"


def test_uint256_float64_takes_any_notation() -> None:
    """Who asks for floats gets them, also from numbers that went through a float already."""
    schema = schema_of(options={"uint256": "float64"}, a="uint256", b="array(uint256)")
    rows = b'[{"a":"1e+30","b":["1.5e+3"]},{"a":2,"b":null}]'
    assert decode_json(rows, schema).to_pydict() == {"a": [1e30, 2.0], "b": [[1500.0], None]}


@pytest.mark.parametrize("digits", [38, 39, 45, 52, 60, 77, 78])
def test_uint256_decimal_holds_38_digits(digits: int) -> None:
    """`uint256="decimal"` is exact up to 38 digits, and beyond an error with column and value."""
    schema = schema_of(options={"uint256": "decimal"}, wide="uint256", inner="array(uint256)")
    number = min(int("9" * digits), WIDE)
    rows = f'[{{"wide":"{number}","inner":null}}]'.encode()
    csv = schema_of(options={"uint256": "decimal"}, wide="uint256")
    if digits <= 38:
        assert decode_json(rows, schema)["wide"].to_pylist() == [number]
        assert decode_csv(f"wide\n{number}\n".encode(), csv)["wide"].to_pylist() == [number]
        return
    with pytest.raises(DecodeError, match=f"column 'wide' .*{number}"):
        decode_json(rows, schema)
    with pytest.raises(DecodeError, match=f"column 'wide' .*{number}"):
        decode_csv(f"wide\n{number}\n".encode(), csv)
    with pytest.raises(DecodeError, match="column 'inner'"):
        decode_json(f'[{{"wide":null,"inner":["{number}"]}}]'.encode(), schema)


# Overrides

OVERRIDES = [
    ("bigint", "4474223", "4.474223e+06", pa.string(), "4474223"),
    ("bigint", "4474223", "4.474223e+06", pa.decimal128(20, 2), 4474223),
    ("bigint", "4474223", "4.474223e+06", pa.float64(), 4474223.0),
    ("bigint", "4474223", "4.474223e+06", pa.int32(), 4474223),
    ("bigint", "5", "5", pa.uint8(), 5),
    ("double", "1039890", "1.03989e+06", pa.string(), "1039890"),
    ("double", "0.1", "0.1", pa.decimal128(10, 5), Decimal("0.1")),
    ("double", "1039890", "1.03989e+06", pa.int64(), 1039890),
    ("double", "0.5", "0.5", pa.float32(), 0.5),
    ("uint256", f'"{10**70}"', str(10**70), pa.decimal256(76, 0), 10**70),
    ("uint256", '"57"', "57", pa.int64(), 57),
    ("uint256", '"57"', "57", pa.string(), "57"),
    ("decimal(10, 3)", '"1.500"', "1.500", pa.float64(), 1.5),
    ("decimal(10, 3)", '"1.500"', "1.500", pa.decimal128(38, 18), Decimal("1.5")),
    ("varchar", '"57"', "57", pa.int64(), 57),
    ("varchar", '"a"', "a", pa.large_string(), "a"),
    ("varchar", '"a"', "a", pa.dictionary(pa.int32(), pa.string()), "a"),
    ("varchar", '"2024-02-29"', "2024-02-29", pa.date32(), date(2024, 2, 29)),
    ("varbinary", '"0xc0ff"', "0xc0ff", pa.binary(2), b"\xc0\xff"),
    ("boolean", "true", "true", pa.string(), "true"),
    ("date", '"2024-02-29"', "2024-02-29", pa.string(), "2024-02-29"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "in_json", "in_csv", "to", "value"), OVERRIDES)
def test_overrides_from_both_formats(
    told: str, in_json: str, in_csv: str, to: pa.DataType, value: Any
) -> None:
    """`schema_overrides` makes the same value from either format, although their texts differ."""
    rows = f'[{{"c":{in_json}}},{{"c":null}}]'
    assert decode(rows, {"c": to}, c=told) == {"c": [value, None]}
    assert from_csv(f"c\n{in_csv}\n<nil>\n", {"c": to}, c=told) == {"c": [value, None]}


MOMENTS = [
    ("timestamp(3)", "2024-02-29 01:02:03.456", pa.timestamp("ns")),
    ("timestamp(3)", "2024-02-29 01:02:03.456", pa.timestamp("ms", "UTC")),
    ("timestamp(3) with time zone", "2024-02-29 01:02:03.456 UTC", pa.timestamp("ms")),
    ("timestamp(3) with time zone", "2024-02-29 01:02:03.456 UTC", pa.timestamp("ns", "Asia/Tokyo")),
]  # fmt: skip


@pytest.mark.parametrize(("told", "text", "to"), MOMENTS)
def test_overrides_of_moments(told: str, text: str, to: pa.DataType) -> None:
    """A timestamp may be given another unit or zone: the instant stays, UTC where none is told."""
    expected = pa.array([text[:23]]).cast(pa.timestamp("ms")).cast(pa.int64())[0].as_py()
    schema = schema_of({"c": to}, c=told)
    for table in (
        decode_json(f'[{{"c":"{text}"}}]'.encode(), schema),
        decode_csv(f"c\n{text}\n".encode(), schema),
    ):
        assert table.schema.types == [to]
        ticks = table["c"].cast(pa.int64())[0].as_py()
        assert ticks == expected * {"ms": 1, "ns": 10**6}[to.unit]


@pytest.mark.parametrize(
    ("told", "value", "to"),
    [
        ("bigint", "300", pa.int8()), ("bigint", "5", pa.bool_()), ("double", "1.5", pa.int64()),
        ("timestamp(3)", '"2024-02-29 01:02:03.456"', pa.date32()),
        ("timestamp(3)", '"2024-02-29 01:02:03.456"', pa.timestamp("s")),
        ("uint256", '"1e+30"', pa.decimal256(76, 0)), ("uint256", '"1e+30"', pa.int64()),
        ("array(uint256)", '["1e+30"]', pa.list_(pa.decimal256(76, 0))),
        ("uint256", f'"{"9" * 40}"', pa.decimal128(38, 0)), ("varchar", '"x"', pa.int64()),
        ("bigint", "1700000000", pa.timestamp("s")), ("varchar", '"abc"', pa.binary(3)),
    ],
)  # fmt: skip
def test_an_override_that_would_change_the_value(told: str, value: str, to: pa.DataType) -> None:
    """An override narrower than the value is an error: it neither cuts nor rounds nor wraps."""
    with pytest.raises(DecodeError, match="column 'c'"):
        decode(f'[{{"c":{value}}}]', {"c": to}, c=told)


def test_overriding_with_text_shows_what_was_sent() -> None:
    """As text, a column that does not fit its type can be looked at."""
    assert decode('[{"c":"1e+30"}]', {"c": pa.string()}, c="uint256") == {"c": ["1e+30"]}
    assert decode('[{"c":"soon"}]', {"c": pa.string()}, c="date") == {"c": ["soon"]}
    nested = decode('[{"c":[1, {"a":2.50}]}]', {"c": pa.string()}, c="array(row(a double))")
    assert nested == {"c": ['[1,{"a":2.50}]']}


def test_overriding_inside_nested_types() -> None:
    """An override may type what is nested, of the same shape or of an unlisted type."""
    to = pa.list_(pa.struct({"a": pa.float32(), "b": pa.large_string()}))
    rows = '[{"c":[{"a":1.5,"b":"x"}]}]'
    assert decode(rows, {"c": to}, c="array(row(a double, b varchar))")["c"] == [
        [{"a": 1.5, "b": "x"}]
    ]
    assert decode(rows, {"c": to}, c="mystery")["c"] == [[{"a": 1.5, "b": "x"}]]
    as_map = decode(
        '[{"c":{"a":"7"}}]', {"c": pa.map_(pa.string(), pa.int64())}, c="row(a uint256)"
    )
    assert as_map == {"c": [[("a", 7)]]}


# The proof that CSV is safe


def test_the_filter_asks_for_what_csv_spoils() -> None:
    """Integers from 2^53 on and the text of null are all that flat CSV loses."""
    asked = spoiling_filter({"n": "bigint", "i": "integer", "t": "varchar(5)", "d": "double"})
    assert asked == ('"n" >= 9007199254740992 OR "n" <= -9007199254740992 OR "t" = \'<nil>\'')
    assert spoiling_filter({"i": "integer", "d": "double", "u": "uint256"}) is None
    assert spoiling_filter({'q"t': "bigint"}).startswith('"q""t" >= ')


@given(st.integers(-(2**63), 2**63 - 1))
def test_csv_integers_are_exact_or_refused(number: int) -> None:
    """An integer that CSV wrote as a float is that integer, or refused from 2^53 on."""
    text = f"{float(number):.17g}"
    try:
        assert from_csv(f"n\n{text}\n", n="bigint") == {"n": [number]}
        assert abs(number) < 2**53
    except DecodeError:
        assert abs(float(number)) >= 2**53


@given(results(CARRIED))
def test_json_and_csv_give_the_same_table(result: Result) -> None:
    """One result, whichever way it travels, is one table."""
    assume("" not in result.names)
    schema = result_schema(result.names, result.types, Typing())
    assert columns(decode_csv(result.csv, schema)) == columns(decode_json(result.json, schema))


@given(results(max_rows=1))
def test_types_do_not_depend_on_rows(result: Result) -> None:
    """No rows, null rows and full rows have one schema."""
    schema = result_schema(result.names, result.types, Typing())
    wanted = [arrow_type(parse_type(text), TypeOptions()) for text in result.types]
    nulls = "[{" + ",".join(f"{quoted(name)}:null" for name in result.names) + "}]"
    for rows in (b"[]", nulls.encode(), result.json):
        assert decode_json(rows, schema).schema.types == wanted


_FILLER = "x" * 500
_TRAP = '},{"c":'


@pytest.mark.parametrize("space", ["", " "])
@pytest.mark.parametrize(
    ("told", "values"),
    [
        ("varchar", [_FILLER, _TRAP, None, _TRAP + _FILLER]),
        ("array(varchar)", [[_FILLER], [_TRAP, None], None, []]),
        ("array(row(c varchar))", [[{"c": _FILLER}], [{"c": _TRAP}, {"c": ""}], [None], []]),
    ],
)
def test_rows_that_are_cut_into_pieces(told: str, values: list[Any], space: str) -> None:
    """Many rows are parsed piece by piece: none is lost, whatever looks like a cut between them."""
    rows = [{"c": value, "d": place} for place, value in enumerate(values * 2_500)]
    body = json.dumps(rows, separators=("," + space, ":" + space)).encode() + b" \n"
    assert len(body) > 2**20
    schema = schema_of(c=told, d="bigint")
    assert decode_json(body, schema).to_pylist() == rows
    with pytest.raises(DecodeError):
        decode_json(body[:-20], schema)
