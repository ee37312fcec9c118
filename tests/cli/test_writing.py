"""-o and --to: every format, read back."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from pyarrow import csv, parquet

from dune_frames._types.cast import cast_text
from dune_frames.cli.formats import FormatName, format_of, write
from dune_frames.errors import InvalidRequestError

#: Every type of Dune, with what text formats find hardest.
TYPES = {
    "flag": "boolean", "tiny": "tinyint", "small": "smallint", "whole": "integer", "big": "bigint",
    "real": "real", "double": "double", "price": "decimal(38, 18)", "amount": "uint256",
    "text": "varchar", "hash": "varbinary", "day": "date", "clock": "time(6)",
    "moment": "timestamp(3)", "instant": "timestamp(3) with time zone", "fine": "timestamp(9)",
    "span": "interval day to second", "years": "interval year to month",
    "list": "array(decimal(38, 2))", "map": "map(varchar, double)",
    "row": 'row("a b" bigint, c array(varchar))', "nothing": "unknown",
}  # fmt: skip

ROWS = [
    [True, -128, 32767, 2**31 - 1, 2**63 - 1, 0.1, 1e22, "0.000000000000000001", 2**256 - 1,
     'a "quoted", \nline', "0x00ff", "2025-01-31", "23:59:59.999999", "2025-01-31 01:02:03.004",
     "2025-01-31 01:02:03.004 UTC", "2025-01-31 01:02:03.000000004",
     timedelta(days=-1, hours=-2, seconds=-4.5), -14,
     ["1.50", None], {"k": 1.5}, {"a b": 2**53 + 1, "c": ["x", None]}, None],
    [None] * len(TYPES),
    [False, 0, 0, 0, 0, float("inf"), float("nan"), "0", 0, "", "0x", "1969-12-31", "00:00:00",
     "1969-12-31 00:00:00", "1969-12-31 23:00:00 UTC", "1969-12-31 00:00:00", timedelta(0), 0,
     [], {"n": float("nan")}, {"a b": None, "c": []}, None],
]  # fmt: skip


@pytest.fixture(scope="module")
def stored(dune):
    """A result of every type: its execution, and the table that the library makes of it."""
    execution_id = dune.store_result(ROWS, TYPES)
    client = dune.client()
    yield execution_id, client.read_execution(execution_id, frame="pyarrow")
    client.close()


@pytest.fixture(scope="module")
def files(lasting_shell, stored):
    """That result in every format, written by children: to files, against a suffix, to stdout."""
    named = [["-o", "x.parquet"], ["-o", "x.json"], ["-o", "x.csv"]]
    other = [["-o", "x.txt", "--to", "arrow"], ["--to", "ndjson"]]
    ended = lasting_shell.together(*(["execution", stored[0], *each] for each in named + other))
    assert [each.status for each in ended] == [0] * 5, ended
    assert [each.out for each in ended[:4]] == [""] * 4
    names = ["x.csv", "x.json", "x.parquet", "x.txt"]
    assert sorted(path.name for path in lasting_shell.folder.iterdir()) == names
    (lasting_shell.folder / "x.ndjson").write_bytes(ended[4].raw)
    return lasting_shell.folder


def from_text(values: list[object], to: pa.DataType) -> pa.Array:
    """Return texts as typed values, by the library's own exact rules."""
    texts = [each if each is None or isinstance(each, str) else json.dumps(each) for each in values]
    return cast_text(pa.array(texts, pa.string()), to)


def read_csv(source: object) -> dict[str, list[str | None]]:
    """Return a CSV file as texts by column; null is what is not even quoted."""
    header = pa.csv.open_csv(source).schema.names
    source.seek(0)
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    return csv.read_csv(source, parse_options=parse, convert_options=options).to_pydict()


def test_parquet_holds_the_table(files, stored):
    """A Parquet file holds what the library reads; only intervals of months are counts there."""
    execution_id, table = stored
    read = parquet.read_table(files / "x.parquet")
    assert read.column("years").to_pylist() == [-14, None, 0]
    # NaN equals nothing, itself included
    assert str(read.drop(["years"]).to_pylist()) == str(table.drop(["years"]).to_pylist())
    assert read.drop(["years"]).schema.equals(table.drop(["years"]).schema)
    assert json.loads(read.schema.metadata[b"dune"])["execution_id"] == execution_id


def test_arrow_holds_the_table(files, stored):
    """An Arrow file is the table itself, with its metadata."""
    execution_id, table = stored
    read = pa.ipc.open_file(files / "x.txt").read_all()
    assert read.schema.equals(table.schema)
    assert str(read.to_pylist()) == str(table.to_pylist())
    assert json.loads(read.schema.metadata[b"dune"])["execution_id"] == execution_id


@pytest.mark.parametrize("name", ["json", "ndjson"])
def test_json_holds_every_value(files, stored, name):
    """JSON holds every value: as itself where JSON has a form for it, else as an exact text."""
    text = (files / f"x.{name}").read_text(encoding="utf-8")
    rows = json.loads(text) if name == "json" else [*map(json.loads, text.splitlines())]
    assert [list(row) for row in rows] == [list(TYPES)] * 3
    for field in stored[1].schema:
        values = [row[field.name] for row in rows]
        if not pa.types.is_nested(field.type):
            expected = stored[1].column(field.name).to_pylist()
            assert str(from_text(values, field.type).to_pylist()) == str(expected)
    assert [row["big"] for row in rows] == [2**63 - 1, None, 0]
    assert [row["flag"] for row in rows] == [True, None, False]
    assert [row["list"] for row in rows] == [["1.50", None], None, []]
    assert [row["map"] for row in rows] == [{"k": 1.5}, None, {"n": "NaN"}]
    row = {"a b": 2**53 + 1, "c": ["x", None]}
    assert [each["row"] for each in rows] == [row, None, {"a b": None, "c": []}]


def test_csv_holds_every_value(files, stored):
    """CSV holds every value as an exact text, null apart from empty, nested ones as JSON."""
    with (files / "x.csv").open("rb") as file:
        read = read_csv(file)
    assert list(read) == list(TYPES)
    for field in stored[1].schema:
        if not pa.types.is_nested(field.type):
            expected = stored[1].column(field.name).to_pylist()
            assert str(from_text(read[field.name], field.type).to_pylist()) == str(expected)
    assert read["text"] == ['a "quoted", \nline', None, ""]
    assert json.loads(read["row"][0]) == {"a b": 2**53 + 1, "c": ["x", None]}
    assert read["map"] == ['{"k": 1.5}', None, '{"n": "NaN"}']


@pytest.mark.parametrize(
    ("suffix", "name"),
    [("PARQUET", "parquet"), ("jsonl", "ndjson"), ("feather", "arrow"), ("a.csv", "csv")],
)
def test_suffixes_mean_formats(suffix, name):
    """The last suffix means the format, in any case of letters; an unknown one is refused."""
    assert format_of(Path(f"x.{suffix}")) == name
    with pytest.raises(InvalidRequestError, match="means no format"):
        format_of(Path(f"x.{suffix}.xlsx"))


def written(table: pa.Table, name: FormatName) -> io.BytesIO:
    file = io.BytesIO()
    write(table, name, file)
    file.seek(0)
    return file


_TEXT = some.none() | some.text(some.characters(exclude_categories=["Cs"]))


@settings(deadline=None)
@given(rows=some.lists(some.tuples(_TEXT, some.none() | some.floats()), min_size=1))
def test_any_text_and_number_survives(rows):
    """For any text and any float: what was written is read back, in each text format."""
    texts, numbers = map(list, zip(*rows, strict=True))
    table = pa.table({"t": pa.array(texts, pa.string()), "x": pa.array(numbers, pa.float64())})
    lines = written(table, "ndjson").read().decode().split("\n")[:-1]
    columns = read_csv(written(table, "csv"))
    objects = (json.loads(written(table, "json").read()), [*map(json.loads, lines)])
    for read in (
        columns,
        *({name: [row[name] for row in each] for name in "tx"} for each in objects),
    ):
        assert read["t"] == texts
        # NaN equals nothing, itself included
        assert str(from_text(read["x"], pa.float64()).to_pylist()) == str(numbers)


@pytest.mark.parametrize("name", get_args(FormatName))
def test_an_empty_result_has_its_columns(name):
    """Without rows: CSV has its header, Parquet and Arrow their types, JSON is an empty array."""
    table = pa.table({"a": pa.array([], pa.int64()), "b": pa.array([], pa.list_(pa.string()))})
    file = written(table, name)
    if name == "parquet":
        assert parquet.read_table(file).schema.types == table.schema.types
    elif name == "arrow":
        assert pa.ipc.open_file(file).read_all().equals(table)
    else:
        expected = {"csv": b"a,b\n", "json": b"[\n]\n", "ndjson": b""}
        assert file.read() == expected[name]


def test_a_file_is_whole_or_untouched(shell, dune):
    """A read that fails leaves the file that was there, and nothing beside it."""
    (shell.folder / "x.csv").write_text("kept")
    execution_id = dune.store_result([[1]], {"a": "bigint"})
    ended = shell("execution", execution_id, "--columns", "nope", "-o", "x.csv")
    assert ended.status == 2
    assert [path.name for path in shell.folder.iterdir()] == ["x.csv"]
    assert (shell.folder / "x.csv").read_text() == "kept"


def test_nothing_is_spent_on_what_cannot_be_written(shell, dune):
    """A file that cannot be written is refused before anything is asked of Dune."""
    names = ["missing/x.csv", "x.xlsx", "."]
    for ended in shell.together(*(["sql", "SELECT 1", "-o", name] for name in names)):
        assert ended.status == 2
        assert ended.error_line
    assert dune.requests == ()
