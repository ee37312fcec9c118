"""Text to typed values: exact, or an error that names the value."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_kinds import plain

from dune_frames._types.cast import MisfitError, can_cast, cast_text, text_type

BIG = "9" * 38


def cast(text: str, to: pa.DataType) -> Any:
    """Cast one text between nulls, which must stay."""
    out = cast_text(pa.array([None, text, None], pa.string()), to)
    assert out.type == to
    assert [each.is_valid for each in out] == [False, True, False]
    return plain(out[1])


FITTING = [
    (pa.bool_(), "true", True),
    (pa.int8(), "-128", -128),
    (pa.int64(), "9223372036854775807", 2**63 - 1),
    (pa.int64(), "-9223372036854775808", -(2**63)),
    (pa.uint64(), "18446744073709551615", 2**64 - 1),
    # An integral number in another notation, all digits kept.
    (pa.int64(), "9007199254740993.0", 2**53 + 1),
    (pa.int64(), "4.474223e+06", 4474223),
    (pa.int64(), "1E18", 10**18),
    (pa.int32(), "007", 7),
    (pa.float64(), "0.1", "0.1"),
    (pa.float64(), "-0", "-0.0"),
    (pa.float64(), "NaN", "nan"),
    (pa.float64(), "+Inf", "inf"),
    (pa.float64(), "-Infinity", "-inf"),
    (pa.float64(), "1.7976931348623157e308", "1.7976931348623157e+308"),
    (pa.float32(), "3.4028235e38", "3.4028234663852886e+38"),
    (pa.float16(), "1.5", "1.5"),
    (pa.decimal128(38, 0), BIG, Decimal(BIG)),
    (pa.decimal128(38, 0), "-" + BIG, Decimal("-" + BIG)),
    (pa.decimal128(10, 3), "1.5", Decimal("1.500")),
    (pa.decimal128(10, 3), "1.5000000", Decimal("1.500")),
    (pa.decimal128(10, 3), "1e-3", Decimal("0.001")),
    (pa.decimal128(38, 0), "0" * 30 + BIG, Decimal(BIG)),
    (pa.decimal128(38, 38), "0." + BIG, Decimal("0." + BIG)),
    (pa.decimal128(38, 18), BIG[18:] + "." + BIG[20:], Decimal(BIG[18:] + "." + BIG[20:])),
    (pa.decimal128(38, 0), "1e37", Decimal(10) ** 37),
    (pa.decimal256(76, 0), "9" * 76, Decimal("9" * 76)),
    (pa.date32(), "1969-12-31", -1),
    (pa.date32(), "2021-06-01T00:00:00Z", 18779),
    (pa.date32(), "2021-06-01 00:00:00.000 UTC", 18779),
    (pa.date32(), "+54257-02-10", 19097475),
    (pa.date64(), "1970-01-02", 86_400_000),
    (pa.time64("us"), "01:02:03", 3_723_000_000),
    (pa.time64("us"), "23:59:59.999999", 86_399_999_999),
    (pa.time64("ns"), "00:00:00.000000001", 1),
    (pa.time64("ns"), "00:00:00.000000001000", 1),
    (pa.time32("ms"), "00:00:00.001", 1),
    (pa.timestamp("us"), "1970-01-01 00:00:00", 0),
    (pa.timestamp("us"), "1970-01-01T00:00:00.000001", 1),
    (pa.timestamp("us"), "1970-01-01 00:00:00.000 UTC", 0),
    (pa.timestamp("us"), "1969-12-31 23:59:59.999", -1000),
    (pa.timestamp("us"), "1970-01-01 00:00:00.000001000000", 1),
    (pa.timestamp("s"), "1970-01-01 00:00:01.000", 1),
    (pa.timestamp("ns"), "2262-04-11 23:47:16.854775807", 2**63 - 1),
    (pa.timestamp("us", "UTC"), "1970-01-01 00:00:00.000 UTC", 0),
    (pa.timestamp("us", "UTC"), "1970-01-01T00:00:00Z", 0),
    (pa.timestamp("us", "UTC"), "1970-01-01 02:00:00.000 +02:00", 0),
    (pa.timestamp("us", "UTC"), "1970-01-01 02:00:00.000+0200", 0),
    (pa.timestamp("us", "UTC"), "1969-12-31 18:30:00.000 -05:30", 0),
    (pa.timestamp("us", "UTC"), "2021-07-01 14:00:00 Europe/Berlin", 1625140800 * 10**6),
    (pa.timestamp("us", "UTC"), "2021-01-01 13:00:00 Europe/Berlin", 1609502400 * 10**6),
    (pa.timestamp("ms", "Asia/Tokyo"), "1970-01-01 00:00:00.001 UTC", 1),
    (pa.timestamp("us", "UTC"), "+54257-02-10 01:02:03.000 UTC", 1_650_021_843_723_000_000),
    (pa.timestamp("us"), "-0001-12-31 00:00:00", -62_167_305_600_000_000),
    (pa.duration("us"), "2 03:04:05.678", 183_845_678_000),
    (pa.duration("us"), "-0 00:00:00.001", -1000),
    (pa.duration("s"), "1 00:00:00.000", 86_400),
    (pa.month_day_nano_interval(), "1-2", 14),
    (pa.month_day_nano_interval(), "-0-1", -1),
    (pa.binary(), "0x", b""),
    (pa.binary(), "0xC0ffEE", b"\xc0\xff\xee"),
    (pa.large_binary(), "0x00", b"\0"),
    (pa.binary(2), "0xc0ff", b"\xc0\xff"),
    (pa.string(), "", ""),
    (pa.large_string(), "ü", "ü"),
    (pa.dictionary(pa.int32(), pa.string()), "a", "a"),
    (pa.dictionary(pa.int8(), pa.int64()), "5", 5),
]


@pytest.mark.parametrize(("to", "text", "value"), FITTING, ids=lambda each: str(each)[:40])
def test_a_text_that_fits(to: pa.DataType, text: str, value: Any) -> None:
    """A text that fits its type is that very value, for every type a column can have."""
    assert can_cast(to)
    assert cast(text, to) == value


MISFITS = [
    (pa.bool_(), ["1", "0", "True", "TRUE", "t", "", "yes"]),
    (pa.int8(), ["128", "-129", "1.5", "true", "", " 1", "1 ", "0x10", "0X1", "1_0", "+-1", "NaN"]),
    (pa.int64(), ["9223372036854775808", "1e19", "9" * 39, "1" + "0" * 40, "1e-1", "٣", "inf"]),
    (pa.uint8(), ["-1", "256"]),
    (pa.float64(), ["1e400", "-1e400", "true", "", "1,5", "0x1p3", "1.5.0", "Infinit"]),
    (pa.float32(), ["1e39", "3.5e38"]),
    (pa.float16(), ["70000"]),
    # Arrow's own cast makes other numbers of these without a word.
    (pa.decimal128(38, 0), ["9" * 39, "9" * 51, "1" + "0" * 45, "5" * 77, "5" * 100, "1e38"]),
    (pa.decimal128(38, 9), ["9" * 38, "1" * 50, "1e30", "1e900", "1_0e1"]),
    (pa.decimal128(38, 38), ["1", "11", "0." + "1" * 39]),
    (pa.decimal256(76, 0), ["9" * 77, "9" * 100]),
    (pa.decimal128(10, 3), ["1.2345", "12345678", "NaN", "", "1,5", "0x1", "true"]),
    (pa.date32(), ["2021-02-29", "2021-6-1", "2021", "", "2021-06-01T10:00:00Z", "20210601", "x"]),
    (pa.date32(), ["2021-06-01 00:00:00 +02:00", "2021-06-01T00:00:00.001Z"]),
    (pa.time64("us"), ["24:00:00", "00:00:00.0000001", "x", "", "00:00:00 UTC", "00:60:00"]),
    (pa.time32("s"), ["00:00:00.5"]),
    (pa.timestamp("us"), ["", "x", "2021-02-29 00:00:00", "2021-01-01 24:00:00", "1625140800"]),
    (pa.timestamp("us"), ["2021-01-01 00:00:00 +02:00", "2021-01-01 00:00:00.0000001"]),
    (pa.timestamp("us"), ["300000-01-01 00:00:00", "-300000-01-01 00:00:00"]),
    (pa.timestamp("s"), ["2021-01-01 00:00:00.5"]),
    (pa.timestamp("ns"), ["1677-09-21 00:12:43.1", "2262-04-11 23:47:16.854775808", "2500-01-01"]),
    (pa.timestamp("us", "UTC"), ["2021-01-01 00:00:00", "2021-01-01", "2021-01-01 00:00:00 No/Where"]),
    # Two instants have this wall clock, or none.
    (pa.timestamp("us", "UTC"), ["2021-11-07 01:30:00 America/New_York"]),
    (pa.timestamp("us", "UTC"), ["2021-03-14 02:30:00 America/New_York"]),
    (pa.duration("us"), ["1", "1 00:00", "", "x", "99999999999 00:00:00", "0 00:00:00.0000001"]),
    (pa.duration("s"), ["0 00:00:00.500"]),
    (pa.month_day_nano_interval(), ["1", "x", "999999999999-0"]),
    (pa.binary(), ["", "c0ff", "0xc", "0xzz", "0x c"]),
    (pa.binary(2), ["0xc0", "0xc0ffee"]),
    (pa.null(), ["", "null"]),
    (pa.dictionary(pa.int32(), pa.int64()), ["0x1", "x"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "text"),
    [(to, text) for to, texts in MISFITS for text in texts],
    ids=lambda each: str(each)[:40],
)
def test_a_text_that_does_not_fit(to: pa.DataType, text: str) -> None:
    """A text that does not fit is an error that names it: no null, no rounding, no other value."""
    with pytest.raises(MisfitError) as caught:
        cast(text, to)
    assert repr(text)[:70] in str(caught.value)


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_misfit_is_found_among_many(before: int, after: int) -> None:
    """The error names the first text that does not fit, wherever it stands."""
    texts = ["1"] * before + ["one", "two"] + [None] * after
    with pytest.raises(MisfitError, match="'one'"):
        cast_text(pa.array(texts), pa.int64())


@settings(max_examples=300)
@given(
    st.integers(-(10**80), 10**80) | st.integers(-(10**40), 10**40) | st.integers(-99, 99),
    st.integers(0, 60),
    st.integers(1, 76),
    st.integers(0, 76),
    st.booleans(),
)
def test_no_decimal_wraps_around(
    digits: int, places: int, precision: int, scale: int, with_exponent: bool
) -> None:
    """A decimal is the number that was written, or an error: at any length and any scale."""
    scale = min(scale, precision)
    to = (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale)
    number = Decimal(f"{digits}e-{places}")
    text = f"{digits}e-{places}" if with_exponent else f"{number:f}"
    with localcontext(prec=300):
        scaled = number.scaleb(scale)
        fits = scaled == scaled.to_integral_value() and abs(scaled) < Decimal(10) ** precision
    try:
        assert cast(text, to) == number
        assert fits
    except MisfitError:
        assert not fits or len(text) > 76


@given(st.integers(-(2**70), 2**70), st.sampled_from([8, 16, 32, 64]), st.booleans())
def test_no_integer_wraps_around(number: int, bits: int, signed: bool) -> None:
    """An integer is the number that was written, or an error: at any size."""
    to = getattr(pa, f"{'' if signed else 'u'}int{bits}")()
    least, beyond = (-(2 ** (bits - 1)), 2 ** (bits - 1)) if signed else (0, 2**bits)
    try:
        assert cast(str(number), to) == number
        assert least <= number < beyond
    except MisfitError:
        assert not least <= number < beyond


@given(st.lists(st.none() | st.floats(allow_nan=False)))
def test_floats_come_back_bit_by_bit(numbers: list[float | None]) -> None:
    """The shortest text of a float is read as that float."""
    texts = [None if number is None else repr(number) for number in numbers]
    out = cast_text(pa.array(texts, pa.string()), pa.float64()).to_pylist()
    assert list(map(repr, out)) == list(map(repr, numbers))


NESTED = [
    (pa.list_(pa.int64()), [["1", None], None, []], [[1, None], None, []]),
    (pa.large_list(pa.int64()), [["1"], None], [[1], None]),
    (pa.list_(pa.int64(), 2), [["1", "2"], ["3", None]], [[1, 2], [3, None]]),
    (pa.map_(pa.int64(), pa.date32()), [[("1", "1970-01-02")], None, []], [{1: 1}, None, {}]),
    (
        pa.struct({"a": pa.int64(), "b": pa.list_(pa.bool_())}),
        [{"a": "1", "b": ["true"]}, None, {"a": None, "b": None}],
        [{"a": 1, "b": [True]}, None, {"a": None, "b": None}],
    ),
    (
        pa.list_(pa.struct({"m": pa.map_(pa.string(), pa.list_(pa.decimal128(5, 2)))})),
        [[{"m": [("k", ["1.5"])]}, None]],
        [[{"m": {"k": [Decimal("1.50")]}}, None]],
    ),
]


@pytest.mark.parametrize(("to", "texts", "values"), NESTED, ids=lambda each: str(each)[:40])
@pytest.mark.parametrize("start", [0, 1])
def test_nested_leaves(to: pa.DataType, texts: list[Any], values: list[Any], start: int) -> None:
    """Each leaf is read by the rule of its type, nulls stay at every depth, slices too."""
    text = pa.array([texts[0], *texts], text_type(to))[1:][start:]
    out = cast_text(text, to)
    out.validate(full=True)
    assert out.type == to
    if not pa.types.is_large_list(to) and not pa.types.is_fixed_size_list(to):
        assert [plain(each) for each in out] == values[start:]
    else:
        assert out.to_pylist() == values[start:]


def test_a_list_of_another_length_does_not_fit() -> None:
    """A list of a fixed size takes lists of that size only."""
    with pytest.raises(MisfitError, match="fixed_size_list"):
        cast_text(pa.array([["1", "2", "3"]]), pa.list_(pa.int64(), 2))


def test_the_year_is_of_the_same_calendar_far_away() -> None:
    """Years beyond four digits follow the same calendar: 400 years are 146097 days."""
    near = cast("2000-02-29 12:00:00", pa.timestamp("s"))
    assert cast("+200000-02-29 12:00:00", pa.timestamp("s")) - near == 495 * 146097 * 86400
    assert cast("-0400-02-29 12:00:00", pa.timestamp("s")) - near == -6 * 146097 * 86400
