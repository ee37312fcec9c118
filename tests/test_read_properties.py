"""From a stored result over HTTP to a frame: always the rows that were stored."""

from __future__ import annotations

import re
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from wire_kinds import FLAT, NULL, Kind, Result, Value, plain, results, sendable

from dune_frames._decode.from_csv import carries
from dune_frames._types.schema import DuneTypeWarning
from dune_frames.errors import DecodeError
from dune_frames.local import LocalDune, Quirks

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Years that the server can write.
_FAR = re.compile(r'"([+]\d{5,}|-\d{4,})-\d\d-\d\d')
_PAGES = (1, 2, 7, 32_000)
pytestmark = pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")


def _can_store(result: Result) -> bool:
    return "" not in result.names and not any(
        _FAR.search(value.json) for row in result.rows for value in row
    )


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[int, LocalDune]]:
    """One server for each page size."""
    running = {rows: LocalDune(page_rows=rows).start() for rows in _PAGES}
    yield running
    for server in running.values():
        server.close()


@contextmanager
def serving(**settings_of: Any) -> Iterator[LocalDune]:
    with LocalDune(**settings_of) as server:
        yield server


def store(server: LocalDune, result: Result) -> str:
    rows = [
        [sendable(value.plain, kind.arrow) for value, kind in zip(row, result.kinds, strict=True)]
        for row in result.rows
    ]
    types = list(zip(result.names, result.types, strict=True))
    execution_id: str = server.store_result(rows, types)
    return execution_id


def read(server: LocalDune, execution_id: str, frame: Any = "pyarrow", **options: Any) -> Any:
    return server.client().read_execution(execution_id, frame=frame, cache=False, **options)


def columns(table: pa.Table) -> list[list[Any]]:
    return [[plain(each) for each in column] for column in table.columns]


def formats(result: Result) -> list[str]:
    possible = carries(result.types) and _below_2_53(result)
    return ["auto", "json", "csv"] if possible else ["auto", "json"]


def _below_2_53(result: Result) -> bool:
    return all(
        value.plain is None or abs(value.plain) < 2**53
        for row in result.rows
        for value, kind in zip(row, result.kinds, strict=True)
        if kind.text == "bigint"
    )


SLOW = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)


@SLOW
@given(results(max_rows=9).filter(_can_store), st.sampled_from(_PAGES))
def test_any_result_at_any_page_size(
    servers: dict[int, LocalDune], result: Result, page_rows: int
) -> None:
    """Whatever the types, the page size and the format, the table is what was stored."""
    execution_id = store(servers[page_rows], result)
    for wish in formats(result):
        table = read(servers[page_rows], execution_id, format=wish)
        assert table.column_names == result.names
        assert table.schema.types == [kind.arrow for kind in result.kinds]
        assert columns(table) == result.columns


@SLOW
@given(results(FLAT.filter(lambda kind: kind.csv), max_rows=9).filter(_can_store))
def test_flat_results_in_both_formats(servers: dict[int, LocalDune], result: Result) -> None:
    """What CSV carries is the same frame from CSV, over several pages too."""
    server = servers[2]
    execution_id = store(server, result)
    if "csv" in formats(result):
        assert columns(read(server, execution_id, format="csv")) == result.columns
    else:
        with pytest.raises(DecodeError, match="CSV"):
            read(server, execution_id, format="csv")
    assert columns(read(server, execution_id, format="json")) == result.columns


@SLOW
@given(results(max_rows=5).filter(_can_store), st.sampled_from(_PAGES))
def test_frames_agree(servers: dict[int, LocalDune], result: Result, page_rows: int) -> None:
    """Pandas and polars have the columns, the rows and the missing values of Arrow."""
    server = servers[page_rows]
    execution_id = store(server, result)
    missing = [[value.plain is None for value in row] for row in result.rows]
    polars = read(server, execution_id, "polars")
    assert polars.columns == result.names
    assert [list(row) for row in polars.select(pl.all().is_null()).rows()] == missing
    for backend in (None, "numpy_nullable", "pyarrow"):
        frame = read(server, execution_id, "pandas", dtype_backend=backend)
        assert list(frame.columns) == result.names
        nan = [[value.plain in (None, "nan") for value in row] for row in result.rows]
        assert frame.isna().to_numpy().tolist() in (missing, nan)


@SLOW
@given(results(max_rows=9).filter(_can_store), st.data())
def test_windows_are_slices(
    servers: dict[int, LocalDune], result: Result, data: st.DataObject
) -> None:
    """`limit`, `offset` and `columns` give the rows and columns that slicing would."""
    server = servers[2]
    offset, limit = data.draw(st.integers(0, 10)), data.draw(st.integers(0, 10))
    wanted = data.draw(st.lists(st.sampled_from(result.names), min_size=1, unique=True))
    assume(not any(set(name) & set('",') for name in wanted))
    table = read(server, store(server, result), offset=offset, limit=limit, columns=wanted)
    assert table.column_names == wanted
    expected = dict(zip(result.names, result.columns, strict=True))
    assert columns(table) == [expected[name][offset : offset + limit] for name in wanted]


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(dates_as_timestamps=True), Quirks(rows_as_lists=True), Quirks(pretty=True),
        Quirks(time_zone="+02:00"), Quirks(time_zone="Asia/Kolkata"), Quirks(short_pages=2),
        Quirks(csv_integers_as_floats=False), Quirks(csv_next_uri="json"),
        Quirks(sparse_metadata=True), Quirks(nan_in_filters="largest"), Quirks(filtered_total=True),
    ],
)  # fmt: skip
def test_odd_servers_give_the_same_frame(quirks: Quirks) -> None:
    """However the server likes to write, the frame is the same."""
    with serving(page_rows=5) as usual, serving(page_rows=5, quirks=quirks) as odd:
        for wish in ("json", "csv"):
            result = FULL if wish == "json" else _csv_part(FULL)
            tables = [read(each, store(each, result), format=wish) for each in (usual, odd)]
            assert columns(tables[0]) == columns(tables[1]) == result.columns
            assert tables[0].schema == tables[1].schema


def _examples(
    told: str, arrow: pa.DataType, *values: Any, csv: bool = True
) -> tuple[Kind, list[Any]]:
    return Kind(told, arrow, st.nothing(), csv), list(values)


_US = 1_700_000_000_123_000
_COLUMNS = [
    _examples("boolean", pa.bool_(), True, False),
    _examples("integer", pa.int32(), 7, -(2**31), 2**31 - 1),
    _examples("bigint", pa.int64(), 4474223, -(2**53) + 1, 2**53 - 1),
    _examples("double", pa.float64(), "0.1", "1e+22", "-0.0", "nan", "inf", "-inf", "1039890.0"),
    _examples("real", pa.float32(), "0.5", "0.10000000149011612"),
    _examples("decimal(38, 18)", pa.decimal128(38, 18), *map(Decimal, ("1.5", "-0.000000000000000001"))),
    _examples("uint256", pa.string(), "0", str(2**256 - 1)),
    _examples("varchar", pa.string(), "", "a,b", 'q"', "\n", "ü", "null", " x ", "\\"),
    _examples("varbinary", pa.string(), "0x", "0xc0ffee"),
    _examples("date", pa.date32(), 0, 19782),
    _examples("timestamp(3)", pa.timestamp("us"), _US, 0),
    _examples("timestamp(3) with time zone", pa.timestamp("us", "UTC"), _US, 0),
    _examples("time(3)", pa.time64("us"), 3_723_004_000, csv=False),
    _examples("interval day to second", pa.duration("us"), 183_845_678_000, -1000, csv=False),
    _examples("interval year to month", pa.month_day_nano_interval(), 14, -1, csv=False),
    _examples("array(double)", pa.list_(pa.float64()), ["0.1", None], [], csv=False),
    _examples("map(varchar, uint256)", pa.map_(pa.string(), pa.string()), {"a": "7"}, {}, csv=False),
    _examples(
        "row(b bigint, a date)", pa.struct({"b": pa.int64(), "a": pa.date32()}),
        {"b": 2**60, "a": 0}, {"b": None, "a": None}, csv=False,
    ),
]  # fmt: skip


def _result(pairs: list[tuple[Kind, list[Any]]], rows: int) -> Result:
    def value(values: list[Any], place: int) -> Value:
        chosen = (
            values[place % (len(values) + 1)] if place % (len(values) + 1) < len(values) else None
        )
        return NULL if chosen is None else Value(chosen, "", "")

    names = [f"c{place}" for place in range(len(pairs))]
    table = [tuple(value(values, row) for _, values in pairs) for row in range(rows)]
    return Result(names, [kind for kind, _ in pairs], table)


def _csv_part(result: Result) -> Result:
    places = [place for place, kind in enumerate(result.kinds) if kind.csv]
    return Result(
        [result.names[place] for place in places],
        [result.kinds[place] for place in places],
        [tuple(row[place] for place in places) for row in result.rows],
    )


FULL = _result(_COLUMNS, 23)
#: More rows than one page can have: the first page comes as JSON, beside the proof.
ROWS = 40_000


def large(**columns_of: tuple[str, pa.Array]) -> tuple[pa.Table, dict[str, str]]:
    arrays = {name: array for name, (_, array) in columns_of.items()}
    return pa.table(arrays), {name: told for name, (told, _) in columns_of.items()}


def exported_as_csv(server: LocalDune) -> list[bool]:
    """Whether each page came as CSV."""
    return [each.path.endswith("/csv") for each in server.requests if each.rows]


def test_auto_takes_csv_where_it_is_safe() -> None:
    """A large flat result comes as CSV after one proof, and is what JSON gives."""
    numbers = pa.array(range(ROWS))
    table, types = large(
        n=("bigint", pa.array([None if each % 7 == 0 else each * 10**9 for each in range(ROWS)])),
        t=("varchar", pa.array([None if each % 5 == 0 else f'"{each},' for each in range(ROWS)])),
        m=(
            "timestamp(3) with time zone",
            numbers.cast(pa.timestamp("ms", "UTC")).cast(pa.timestamp("us", "UTC")),
        ),
        u=("uint256", pa.array([str(2**200 + each) for each in range(ROWS)])),
    )
    with serving() as server:
        execution_id = server.store_result(table, types)
        found = read(server, execution_id)
        assert any(exported_as_csv(server))
        assert found.select(list("ntmu")).columns == table.columns
        assert read(server, execution_id, format="json").columns == found.columns


@pytest.mark.parametrize(
    ("told", "arrow", "value"),
    [
        ("bigint", pa.int64(), 2**53), ("bigint", pa.int64(), -(2**53) - 1),
        ("varchar", pa.string(), "<nil>"),
    ],
)  # fmt: skip
def test_auto_takes_json_where_csv_would_spoil(told: str, arrow: pa.DataType, value: Any) -> None:
    """One value that CSV spoils, anywhere in a large result, keeps all of it out of CSV."""
    table, types = large(c=(told, pa.array([*[None] * (ROWS - 1), value], arrow)))
    with serving() as server:
        execution_id = server.store_result(table, types)
        assert read(server, execution_id)["c"][-1].as_py() == value
        assert not any(exported_as_csv(server))
        with pytest.raises(DecodeError, match="CSV cannot carry"):
            read(server, execution_id, format="csv")


def test_csv_is_refused_for_nested_columns() -> None:
    """`format="csv"` for a result with nested columns is an error that names the execution."""
    with serving() as server:
        execution_id = store(server, FULL)
        with pytest.raises(DecodeError, match="CSV cannot carry") as caught:
            read(server, execution_id, format="csv")
    assert caught.value.execution_id == execution_id


@pytest.mark.parametrize("wish", ["json", "csv"])
def test_overrides_reach_the_frame(wish: Any) -> None:
    """`schema_overrides`, `uint256=` and `varbinary=` type the frame, whichever format travels."""
    with serving(page_rows=7) as server:
        table = read(
            server, store(server, _csv_part(FULL)), format=wish, uint256="string", varbinary="bytes",
            schema_overrides={"c1": pa.string(), "c2": pa.decimal128(20, 1), "c3": pa.string()},
        )  # fmt: skip
    assert table.schema.field("c1").type == pa.string()
    assert table["c1"][0].as_py() == "7"
    assert table["c2"][1].as_py() == -(2**53) + 1
    assert table["c3"].to_pylist()[:3] == ["0.1", "1e+22", "-0"]
    assert table.schema.field("c8").type == pa.binary()


def test_a_misfit_names_all_there_is_to_know() -> None:
    """A value that does not fit is an error with execution, column, type, value and advice."""
    with serving() as server:
        execution_id = server.store_result([{"amount": 2**200}], {"amount": "uint256"})
        with pytest.raises(DecodeError) as caught:
            read(server, execution_id, uint256="decimal")
    said = str(caught.value)
    assert caught.value.execution_id == execution_id
    assert caught.value.column_name == "amount"
    assert all(
        each in said for each in (execution_id, "amount", "uint256", str(2**200), "What to do")
    )


@pytest.mark.parametrize("frame", ["pandas", "polars", "pyarrow"])
def test_an_empty_result_has_its_types(frame: Any) -> None:
    """No rows, null rows and rows give frames of one schema."""
    nothing = Result(FULL.names, FULL.kinds, [])
    nulls = Result(FULL.names, FULL.kinds, [(NULL,) * len(FULL.kinds)] * 3)
    with serving(page_rows=2) as server:
        frames = [read(server, store(server, each), frame) for each in (nothing, nulls, FULL)]
    schemas = [
        dict(f.dtypes)
        if isinstance(f, pd.DataFrame)
        else f.schema.remove_metadata()
        if isinstance(f, pa.Table)
        else f.schema
        for f in frames
    ]
    assert schemas[0] == schemas[1] == schemas[2]


def test_without_types_one_warning_and_text() -> None:
    """A server of before mid-2024 tells no types: one warning a read, every column text."""
    with serving(page_rows=3, quirks=Quirks(column_types=False)) as server:
        execution_id = store(server, FULL)
        with pytest.warns(DuneTypeWarning) as caught:
            table = read(server, execution_id)
    assert len(caught) == 1
    assert set(table.schema.types) == {pa.string()}
    assert table["c2"].to_pylist()[:3] == ["4474223", "-9007199254740991", "9007199254740991"]
    assert table["c17"][0].as_py() == '{"a":"1970-01-01","b":1152921504606846976}'
    assert table.num_rows == 23


def test_an_unlisted_type_warns_once_for_all_pages() -> None:
    """An unlisted type is one warning a read, however many pages it has."""
    with serving(page_rows=1) as server:
        execution_id = server.store_result([["x"], [None], ["y"]], [("c", "hyperloglog")])
        with pytest.warns(DuneTypeWarning, match="hyperloglog") as caught:
            table = read(server, execution_id)
    assert len(caught) == 1
    assert table["c"].to_pylist() == ["x", None, "y"]


def test_two_columns_of_one_name_are_refused() -> None:
    """A result in which names repeat is an error that says so: JSON would lose one column."""
    with serving() as server:
        execution_id = server.store_result([[1, 2]], [("a", "bigint"), ("a", "bigint")])
        with pytest.raises(DecodeError, match="several columns"):
            read(server, execution_id)


def test_extreme_page_sizes_agree(servers: dict[int, LocalDune]) -> None:
    """Pages of one row and one page for all give the same frame in every format."""
    for result, wish in ((FULL, "json"), (_csv_part(FULL), "csv")):
        tables = [read(server, store(server, result), format=wish) for server in servers.values()]
        assert all(columns(table) == result.columns for table in tables)


@pytest.mark.parametrize(
    ("told", "value"),
    [
        ("array(unknown)", [None]),
        ("map(varchar, unknown)", {"a": None}),
        ("row(a unknown)", {"a": None}),
    ],
)
def test_nothing_but_null_inside(told: str, value: Any) -> None:
    """A bare NULL inside something nested is null at every depth, in every frame."""
    with serving() as server:
        execution_id = server.store_result([[value], [None]], [("c", told)])
        assert read(server, execution_id, "pandas")["c"].tolist() == [value, None]
        assert read(server, execution_id, "polars")["c"].null_count() == 1
        assert read(server, execution_id)["c"].null_count == 1
