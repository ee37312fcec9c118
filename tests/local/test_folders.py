"""Folders: files served as tables and saved queries."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from asking import Asker, rows_of
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from dune_frames.local import FolderError, LocalDune
from dune_frames.local.csv_tables import read_csv

HEADER = """\
-- Trades of one chain; this line is a plain comment.
-- id: 3493826
-- name: Trades by project

-- param chain: enum = ethereum, base
-- param since: datetime = 2026-01-05 00:00:00
-- param the least: NUMBER = 1.50
-- Param word: text = it's: a = b
SELECT '{{chain}}' AS a, timestamp '{{since}}' AS b, {{the least}} AS c, '{{word}}' AS d
-- name: no header any more
"""


@pytest.fixture
def folder(tmp_path):
    """Write files by their paths and return the folder."""

    def write(**files):
        for name, content in files.items():
            path = tmp_path.joinpath(*name.split("__"))
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, pa.Table):
                parquet.write_table(content, path.with_suffix(".parquet"))
            else:
                path.with_suffix(".sql" if "SELECT" in content else ".csv").write_text(content)
        return tmp_path

    return write


@pytest.fixture
def serving():
    """Serve a folder."""
    running = LocalDune().start()
    try:

        def serve(path):
            running.register_folder(path)
            return Asker(running)

        yield serve
    finally:
        running.close()


def test_nested_folders_are_schemas(folder, serving):
    """Each file is a table by its path, in any case; hidden and other files are none."""
    root = folder(dex__Trades=pa.table({"n": [1]}), a__b__c="n\n2\n", top="n\n3\n")
    (root / ".hidden").mkdir()
    (root / ".hidden" / "x.csv").write_text("n\n9\n")
    (root / "notes.md").write_text("no table")
    (root / "my.prices.csv").write_text("n\n4\n")
    ask = serving(root)
    for name, value in {"dex.trades": 1, "a.b.c": 2, "top": 3, "my.prices": 4}.items():
        assert ask.rows(f"SELECT * FROM {name}") == [[value]]
    assert "does not exist" in ask.run('SELECT * FROM ".hidden".x')["error"]["message"]
    assert ask.rows("SELECT count(*) FROM dex.trades, prices.usd WHERE false") == [[0]]


def test_a_query_file_says_id_name_and_parameters(folder, serving):
    """Types and defaults are those of the header; lines of another form are comments; the text is whole."""
    ask = serving(folder(any__query=HEADER))
    shown = ask.get("/query/3493826").json()
    assert (shown["name"], shown["query_sql"]) == ("Trades by project", HEADER)
    assert shown["parameters"] == [
        {"key": "chain", "type": "enum", "value": "ethereum", "enumOptions": ["ethereum", "base"]},
        {"key": "since", "type": "datetime", "value": "2026-01-05 00:00:00"},
        {"key": "the least", "type": "number", "value": "1.50"},
        {"key": "word", "type": "text", "value": "it's: a = b"},
    ]
    refused = ask.post("/query/3493826/execute", query_parameters={"chain": "solana"})
    assert refused.status_code == 400
    run = ask.post("/query/3493826/execute", query_parameters={"chain": "base", "word": "w"}).json()
    ask.finished(run["execution_id"])
    (row,) = rows_of(ask.get(f"/execution/{run['execution_id']}/results").json())
    assert row == ["base", "2026-01-05 00:00:00", "1.50", "w"]


@pytest.mark.parametrize(
    ("name", "text", "number", "called"),
    [
        ("weekly___3237738", "-- query name: Weekly\n-- query link: https://dune.com/queries/12/x\nSELECT 1", 12, "Weekly"),
        ("weekly___3237738", "SELECT 1", 3237738, "Query 3237738"),
        ("query_7", "-- nothing\nSELECT 1", 7, "Query 7"),
        ("7", "\ufeff-- name: With a mark\nSELECT 1", 7, "With a mark"),
        ("v2", "--id:  8\nSELECT 1", 8, "Query 8"),
    ],
)  # fmt: skip
def test_dunes_own_header_and_names_of_files_tell_the_id(
    folder, serving, name, text, number, called
):
    """A repository of queries made from Dune's template is served as it is."""
    ask = serving(folder(**{name: text}))
    assert ask.get(f"/query/{number}").json()["name"] == called


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({"a": "SELECT 1"}, "-- id: 123"),
        ({"a": "-- id: seven\nSELECT 1"}, "'seven'"),
        ({"a": "-- id: 1\n-- param x: integer = 1\nSELECT 1"}, "text|number|datetime|enum"),
        ({"a": "-- id: 1\n-- param x = 1\nSELECT 1"}, "param x = 1"),
        ({"a": "-- id: 1\n-- param x: number = many\nSELECT 1"}, "the default is no number"),
        ({"a": "-- id: 1\nSELECT 1", "b": "-- id: 1\nSELECT 2"}, "b.sql are both 1"),
        ({"a__b__c__d": "n\n1\n"}, "more than 3 parts"),
        ({"a__b": "n\n1\n", "a.b": "n\n2\n"}, "are both a.b"),
    ],
)
def test_what_cannot_be_served_is_named_and_nothing_is_served(folder, files, named):
    """An error names the file and what is wrong, before anything is served."""
    root = folder(good="n\n1\n", **{name: text for name, text in files.items() if name != "a.b"})
    if "a.b" in files:
        (root / "a.b.csv").write_text(files["a.b"])
    with LocalDune() as dune:
        with pytest.raises(FolderError) as caught:
            dune.register_folder(root)
        assert named in str(caught.value)
        assert str(root) in str(caught.value) or "a/b/c/d.csv" in str(caught.value)
        assert "does not exist" in Asker(dune).run("SELECT * FROM good")["error"]["message"]
        (root / "bad.parquet").write_text("none")
        for path in (root, root / "nowhere", root / "good.csv"):
            with pytest.raises(FolderError):
                dune.register_folder(path)


def test_a_csv_that_is_none_fails_the_query_that_names_it(folder, serving):
    """Whoever asks for the table is told the reason; others are not bothered."""
    root = folder(bad="a,b\n1\n2,3,4\n", good="n\n1\n")
    ask = serving(root)
    (root / "good.csv").unlink()
    assert "'bad' cannot be read" in ask.run("SELECT * FROM bad")["error"]["message"]
    assert "'good' cannot be read" in ask.run("SELECT * FROM good")["error"]["message"]
    (root / "good.csv").write_text("n\n1\n")
    assert ask.rows("SELECT * FROM good") == [[1]]


@pytest.mark.parametrize(
    ("values", "dune"),
    [
        (["true", "false", ""], "boolean"),
        (["0", "-5", str(2**63 - 1), "<nil>"], "bigint"),
        (["0", str(2**63)], "uint256"),
        (["-1", str(2**63)], "int256"),
        (["1", "1.5", "4.474223e+06"], "double"),
        (["007", "1"], "varchar"),
        (["0x", "0xab12"], "varbinary"),
        (["0xABCD", "0xabc"], "varchar"),
        (["2026-01-05"], "date"),
        (["2026-01-05 00:00:00", "2026-01-05T00:00:00.5"], "timestamp(3)"),
        (["2026-01-05 00:00:00.000001"], "timestamp(6)"),
        (["2026-01-05 00:00:00.000 UTC", "2026-01-05T01:00:00Z"], "timestamp(3) with time zone"),
        (["2026-01-05 00:00:00", "2026-01-05 00:00:00 UTC"], "varchar"),
        (["", "<nil>"], "varchar"),
        (['"a,b"', '""'], "varchar"),
        (["9" * 78], "varchar"),
        (["1.5", str(2**53 + 1)], "varchar"),
        (["2026-02-30"], "varchar"),
        (["2026-02-28 24:00:00"], "varchar"),
        (["٣"], "varchar"),
    ],
)
def test_the_columns_of_a_csv_have_the_narrowest_types(tmp_path, values, dune):
    """A column's type is the first that all of its values fit as they are written; quoted "" is no null."""
    file = tmp_path / "t.csv"
    file.write_text("\n".join(["x,y", *(f"{value},1" for value in values)]) + "\n")
    table, types = read_csv(file)
    assert types == [("x", dune), ("y", "bigint")]
    assert table["x"].null_count == sum(value in ("", "<nil>") for value in values)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)
COLUMNS = {
    "a": st.none() | st.just("") | TEXT.map(lambda text: f"~{text}"),
    "b": st.none() | st.integers(-(2**255), 2**255 - 1) | st.integers(-9, 9),
    "c": st.none() | st.floats(allow_nan=False, allow_infinity=False),
}


@settings(max_examples=40)
@given(st.lists(st.fixed_dictionaries(COLUMNS), min_size=1, max_size=5))
def test_a_csv_gives_every_value_back(tmp_path_factory, rows):
    """Whatever polars writes, text of any kind and integers of any size, is what a query reads."""
    file = tmp_path_factory.mktemp("csv") / "t.csv"
    texts = [{**row, "b": None if row["b"] is None else str(row["b"])} for row in rows]
    schema = {"a": pl.String, "b": pl.String, "c": pl.Float64}
    pl.DataFrame(texts, schema).write_csv(file, quote_style="non_numeric")
    SHARED.register_folder(file.parent)
    answer = Asker(SHARED).run("SELECT a, CAST(b AS varchar), CAST(c AS double) FROM t")
    for row, (a, b, c) in zip(texts, rows_of(answer), strict=True):
        assert (a, b, c if c is None else float(c)) == (row["a"], row["b"], row["c"])


SHARED = LocalDune()


@pytest.fixture(scope="module", autouse=True)
def _shared():
    with SHARED:
        yield
