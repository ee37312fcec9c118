"""Lazy scans: what polars asks for is what Dune is asked for, and the rows are right regardless."""

from __future__ import annotations

import http.client
import logging
import re
from contextlib import closing
from functools import partial
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal
from raw_server import RawServer
from raw_server import http as http_answer
from savings import measure

import dune_frames as dune
from dune_frames import errors
from dune_frames._download.download import STREAM
from dune_frames._download.plan import LARGEST_PAGE
from dune_frames._read.options import Reading
from dune_frames._read.scan import Scan
from dune_frames._read.wishes import BEHIND_ALL
from dune_frames._run.pin import FIRST_ROWS
from dune_frames._run.source import Existing
from dune_frames.local import LocalDune, Status

POLARS = tuple(int(part) for part in pl.__version__.split(".")[:2])


@pytest.fixture(scope="module")
def local():
    with LocalDune() as server:
        yield server


@pytest.fixture(autouse=True)
def _fresh(local, tmp_path, monkeypatch):
    """Give each test a cache and a list of requests of its own."""
    monkeypatch.setenv("DUNE_FRAMES_CACHE_DIR", str(tmp_path))
    local.clear_requests()


def _exports(local):
    """Return the requests for rows, as (query, rows)."""
    wanted = ("results", "results_csv", "latest", "latest_csv")
    return [(dict(each.query), each.rows) for each in local.requests if each.endpoint in wanted]


def _filters(local):
    return [query.get("filters") for query, _ in _exports(local)]


FEW = pa.table({"n": range(10), "name": list("abcdefghij"), "x": [each / 2 for each in range(10)]})
TYPES = {"n": "bigint", "name": "varchar", "x": "double"}
MANY = 5_000


@pytest.fixture(scope="module")
def few(local):
    return local.store_result(FEW, TYPES)


@pytest.fixture(scope="module")
def many(local):
    numbers = np.arange(MANY)
    table = pa.table({"n": numbers, "even": np.where(numbers % 2, "no", "yes"), "x": numbers / 2})
    return local.store_result(table, {"n": "bigint", "even": "varchar", "x": "double"})


# The schema, and the one execution


def test_the_schema_costs_no_row(local, few):
    """Scanning, its schema and its plan export no row, whatever the scan starts from."""
    local.save_query(1, "SELECT 1 AS one, 'a' AS text")
    local.save_query(2, "SELECT 2 AS two")
    client = local.client()
    client.read_query(1)
    local.clear_requests()
    scans = {
        "stored": client.scan_query(1),
        "never run": client.scan_query(2),
        "sql": client.scan_sql("SELECT 3 AS three, now() AS moment"),
        "execution": client.scan_execution(few),
    }
    for frame in scans.values():
        frame.collect_schema()
        frame.filter(pl.first().is_not_null()).explain()
    assert sum(each.rows for each in local.requests) == 0
    for name, frame in scans.items():
        assert frame.collect_schema() == frame.collect().schema, name


@pytest.mark.parametrize("kind", ["sql", "query"])
def test_a_scan_runs_once(local, kind):
    """However often a frame's schema is asked for and it is collected, it is one execution."""
    local.save_query(3, "SELECT random() AS chance")
    client = local.client()
    local.clear_requests()
    frame = (
        client.scan_sql("SELECT random() AS chance", cache=False)
        if kind == "sql"
        else client.scan_query(3, max_age=0, cache=False)
    )
    frame.collect_schema()
    first, second = frame.collect(), frame.filter(pl.col("chance") >= 0).collect()
    assert first.equals(second)
    runs = [each for each in local.requests if each.endpoint.startswith("execute")]
    assert len(runs) == 1


def test_a_newer_run_does_not_mix_in(local):
    """A frame stands for the run that was the latest when it was made."""
    local.store_result(pa.table({"n": [1, 2]}), query_id=4)
    frame = local.client().scan_query(4)
    local.store_result(pa.table({"n": [3, 4]}), query_id=4)
    assert frame.collect()["n"].to_list() == [1, 2]
    assert local.client().scan_query(4).collect()["n"].to_list() == [3, 4]


def test_a_failed_run_is_an_error_of_ours(local):
    """What goes wrong while a run is pinned is raised by the scan itself, typed."""
    with pytest.raises(errors.QueryFailedError, match="no_such_table"):
        local.client().scan_sql("SELECT * FROM no_such_table")
    with pytest.raises(errors.BadRequestError):
        local.client().execution("no id").scan()


def test_the_public_names(local, few, monkeypatch):
    """The functions take a client or the environment's, and only options that fit a lazy frame."""
    monkeypatch.setenv("DUNE_API_KEY", "local-key-0123456789abcdef")
    monkeypatch.setenv("DUNE_API_BASE_URL", local.url)
    local.save_query(5, "SELECT {{n}} AS n", {"n": 1})
    assert dune.scan_dune_query(5, {"n": 7}).collect().item() == 7
    assert dune.scan_dune_sql("SELECT {{n}} AS n", {"n": 8}).collect().item() == 8
    assert dune.scan_dune_execution(few, columns=["n"]).collect()["n"].to_list() == list(range(10))
    assert dune.Dune().execution(few).scan().select("name").head(1).collect().item() == "a"
    with pytest.raises(errors.InvalidRequestError, match="pandas"):
        dune.scan_dune_execution(few, dtype_backend="pyarrow")


# What Dune is asked for


def test_only_used_columns_are_exported(local, few):
    """`columns` names what is selected or filtered by, in the order of the result."""
    frame = local.client().scan_execution(few)
    frame.filter(pl.col("x") * 2 > 3).select("n").collect()
    (query, _), *_ = _exports(local)
    assert query["columns"] == "n,x"
    local.clear_requests()
    frame.collect()
    assert "columns" not in _exports(local)[0][0]


def test_filters_are_sent_and_what_cannot_be_said_is_not(local, few):
    """Of a conjunction, Dune gets the parts that it can say."""
    frame = local.client().scan_execution(few)
    asked = frame.filter((pl.col("n") > 2) & (pl.col("name").str.to_uppercase() != "F"))
    assert asked.collect()["n"].to_list() == [3, 4, 6, 7, 8, 9]
    assert _exports(local) == [
        ({**_exports(local)[0][0], "filters": '"n" > 2', "limit": "1000"}, 7),
    ]


def test_own_filters_and_those_of_polars_both_hold(local, few):
    """A scan's own filters are kept whole beside the ones that polars adds."""
    frame = local.client().scan_execution(few, filters="n < 3 OR n > 7", sort_by="n desc")
    assert frame.filter(pl.col("name") != "i").collect()["n"].to_list() == [9, 2, 1, 0]
    assert _filters(local) == ["\"name\" != 'i' AND (n < 3 OR n > 7)"]
    assert _exports(local)[0][0]["sort_by"] == "n desc"


def test_head_is_a_limit(local, many):
    """`head` alone exports as many rows as it shows."""
    frame = local.client().scan_execution(many)
    assert frame.select("n").head(7).collect()["n"].to_list() == list(range(7))
    assert [(query["limit"], rows) for query, rows in _exports(local)] == [("7", 7)]


def test_head_before_a_filter_counts_before_it(local, many):
    """Of the first rows those are taken that hold: no filter may be sent then."""
    frame = local.client().scan_execution(many).head(10).filter(pl.col("even") == "yes")
    assert frame.collect()["n"].to_list() == [0, 2, 4, 6, 8]
    assert _filters(local) == [None]
    assert _exports(local)[0][1] == 10


@pytest.mark.parametrize(
    "condition", [pl.col("even") == "yes", pl.col("even").str.to_uppercase() == "YES"]
)
def test_head_after_a_filter_stops_early(local, many, condition):
    """Polars keeps such a `head` to itself; then the first small answer is enough."""
    frame = local.client().scan_execution(many).filter(condition).head(5)
    assert frame.collect(engine="streaming")["n"].to_list() == [0, 2, 4, 6, 8]
    assert [rows for _, rows in _exports(local)] == [FIRST_ROWS]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({"limit": 4}, [0, 2]),
        ({"offset": 7}, [8]),
        ({"limit": 2, "offset": 4}, [4]),
        ({"limit": 100, "filters": "n <> 2"}, [0, 4, 6, 8]),
    ],
)
def test_a_window_counts_before_polars_filters(local, few, window, expected):
    """`limit` and `offset` of a scan are of its rows, not of those that polars wants of them."""
    frame = local.client().scan_execution(few, cache=False, **window)
    asked = frame.filter(pl.col("n").is_in([0, 2, 4, 6, 8]))
    assert asked.collect()["n"].to_list() == expected
    assert not any("IN" in (filters or "") for filters in _filters(local))
    assert frame.head(1).collect().height == 1
    assert _exports(local)[-1][0]["limit"] == "1"


def test_a_sample_is_one_sample(local, many):
    """A sample is drawn without a limit or filters, which Dune excludes, and is cut here."""
    frame = local.client().scan_execution(many, sample_count=50)
    assert frame.head(5).collect().height == 5
    assert set(frame.filter(pl.col("even") == "yes").collect()["even"]) == {"yes"}
    assert not any({"limit", "filters"} & set(query) for query, _ in _exports(local))


def test_options_type_the_columns(local):
    """A scan has the types of a read with the same options; what is typed otherwise stays here."""
    rows = [{"hash": "0xab", "wide": 5, "text": "7"}, {"hash": "0xcd", "wide": 6, "text": "8"}]
    types = {"hash": "varbinary", "wide": "uint256", "text": "varchar"}
    options = {
        "varbinary": "bytes", "uint256": "decimal", "schema_overrides": {"text": pa.int64()},
    }  # fmt: skip
    client, execution_id = local.client(), local.store_result(rows, types)
    frame = client.scan_execution(execution_id, **options)
    whole = client.read_execution(execution_id, frame="polars", **options)
    assert frame.collect_schema() == whole.schema
    local.clear_requests()
    assert frame.filter(pl.col("hash") == b"\xab").select("hash").collect().item() == b"\xab"
    assert frame.filter(pl.col("text") > 7).select("hash").collect().item() == b"\xcd"
    assert frame.filter(pl.col("wide") > 5).select("text").collect().item() == 8


def test_rows_without_columns_are_counted(local, many):
    """What needs no column at all still counts the rows."""
    frame = local.client().scan_execution(many)
    assert frame.select(pl.len()).collect().item() == MANY
    assert frame.with_row_index().select("index").tail(1).collect().item() == MANY - 1


def test_sorted_heads_are_right(local, many):
    """`sort` then `head` stays here, in every engine."""
    frame = local.client().scan_execution(many).filter(pl.col("even") == "yes")
    for engine in ("streaming", "in-memory"):
        top = frame.sort("x", descending=True).head(3).collect(engine=engine)
        assert top["n"].to_list() == [MANY - 2, MANY - 4, MANY - 6]


@pytest.mark.skipif(POLARS < (2, 0), reason="polars before 2.0 reads a source twice")
def test_a_scan_that_is_used_twice_is_exported_once(local, few):
    """The rows of an execution never change, so polars may read them once for a whole plan; in
    memory it does.
    """
    frame = local.client().scan_execution(few, cache=False)
    assert frame.join(frame, on="n").collect(engine="in-memory").height == 10
    assert sum(rows for _, rows in _exports(local)) == 10


# What the server makes of it


def _stubborn(local, ignored):
    """Return a script of a server that forwards to another one without some parameters."""

    def script(connection, request):
        method, target, _ = request.split(b"\r\n", 1)[0].decode().split(" ")
        parts = urlsplit(target)
        kept = [(name, value) for name, value in parse_qsl(parts.query) if name not in ignored]
        address = urlsplit(local.url)
        upstream = http.client.HTTPConnection(address.hostname, address.port)
        headers = {"X-Dune-Api-Key": "key"}
        upstream.request(method, f"{parts.path}?{urlencode(kept)}", headers=headers)
        answer = upstream.getresponse()
        host = next(line[6:] for line in request.split(b"\r\n") if line.startswith(b"Host: "))
        body = answer.read().replace(local.url.encode(), b"http://" + host)
        connection.sendall(http_answer(f"{answer.status} {answer.reason}", body))
        upstream.close()

    return script


def test_a_server_that_ignores_filters_costs_bytes_only(local, many):
    """Rows that a server should have left out are left out here."""
    with (
        RawServer(_stubborn(local, {"filters"})) as stubborn,
        closing(dune.Dune("key-0123456789", base_url=stubborn.url)) as client,
    ):
        frame = client.scan_execution(many, format="json").filter(
            pl.col("n").is_between(1500, 1502)
        )
        assert frame.select("x").collect()["x"].to_list() == [750.0, 750.5, 751.0]


REFUSAL = Status(400, '{"error": "invalid filters: unsupported expression"}')


@pytest.mark.parametrize(
    ("refusals", "expected"),
    [
        (0, ['"n" > 2 AND "name" LIKE \'d%\'']),
        (1, ['"n" > 2 AND "name" LIKE \'d%\'', '"n" > 2']),
        (2, ['"n" > 2 AND "name" LIKE \'d%\'', '"n" > 2', None]),
    ],
)
def test_refused_filters_are_weakened(local, few, caplog, refusals, expected):
    """Where Dune refuses filters, it is asked in documented words, then for all rows."""
    frame = local.client().scan_execution(few)
    local.inject(REFUSAL, endpoint="results", times=refusals) if refusals else None
    asked = frame.filter((pl.col("n") > 2) & pl.col("name").str.starts_with("d"))
    assert asked.collect()["n"].to_list() == [3]
    assert _filters(local) == expected
    warnings = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert len(warnings) == refusals
    assert all("unsupported expression" in each.getMessage() for each in warnings)


def test_other_refusals_are_errors(local, few):
    """A refusal that is not about filters is raised; polars before 2.0 wraps it in its own."""
    frame = local.client().scan_execution(few)
    local.inject(Status(402, '{"error": "limits"}'), endpoint="results")
    kind = errors.PaymentRequiredError if POLARS >= (2, 0) else pl.exceptions.ComputeError
    with pytest.raises(kind, match="402"):
        frame.filter(pl.col("n") > 2).collect()


def test_filters_of_the_caller_are_not_dropped(local, few):
    """A scan's own filters are the caller's wish: when Dune refuses them, that is an error."""
    frame = local.client().scan_execution(few, filters="NOT n > 2")
    kind = errors.BadRequestError if POLARS >= (2, 0) else pl.exceptions.ComputeError
    with pytest.raises(kind, match="NOT"):
        frame.filter(pl.col("n") > 2).collect()


# Bytes and memory


def test_a_second_collect_costs_nothing(local, many):
    """What was exported once comes from the cache, and no filter is asked of rows that are here."""
    client = local.client()
    frame = client.scan_execution(many)
    asked = frame.filter(pl.col("n") < 20)
    assert asked.collect().height == 20
    local.clear_requests()
    assert asked.collect().height == 20
    assert local.requests == ()
    frame.collect()
    local.clear_requests()
    assert frame.filter(pl.col("n") > MANY - 20).select("x").collect().height == 19
    assert client.scan_execution(many, offline=True).head(3).collect().height == 3
    assert local.requests == ()


def test_a_large_export_is_refused_before_it_starts(local, many):
    """`max_export_mb` refuses the whole, not the part that is asked for."""
    frame = local.client().scan_execution(many, max_export_mb=0.01)
    kind = errors.ExportTooLargeError if POLARS >= (2, 0) else pl.exceptions.ComputeError
    with pytest.raises(kind, match="max_export_mb"):
        frame.collect()
    assert _exports(local) == []
    assert frame.select("n").head(10).collect().height == 10


def test_rows_are_exported_as_they_are_taken():
    """Beside what was taken only the pages of one round are there, and none come after the end."""
    total = 1_000_000
    with LocalDune() as local:
        execution_id = local.store_result(pa.table({"n": np.arange(total)}), {"n": "bigint"})
        start = partial(local.client()._calls.read, "polars")
        scan = Scan.of(start, Reading(cache=False), Existing(execution_id))
        frames = scan.frames(None, None, None, None)
        taken = next(frames).height
        assert sum(rows for _, rows in _exports(local)) == FIRST_ROWS
        while taken < total // 4:
            taken += next(frames).height
            ahead = sum(rows for _, rows in _exports(local)) - taken
            assert ahead <= (STREAM.requests + 1) * LARGEST_PAGE
        frames.close()
        assert sum(rows for _, rows in _exports(local)) < total


def test_a_sink_gets_every_row(local, many, tmp_path):
    """`sink_parquet` writes what reading gives."""
    client = local.client()
    client.scan_execution(many, cache=False).sink_parquet(tmp_path / "many.parquet")
    whole = client.read_execution(many, frame="polars")
    assert_frame_equal(pl.read_parquet(tmp_path / "many.parquet"), whole)


def test_a_selective_scan_of_a_wide_result_is_cheap():
    """Two columns of one project's day export less than 5 % of the bytes of all."""
    wanted, by_scan, by_read = measure(200_000)
    assert wanted > 1000
    assert by_scan < 0.05 * by_read


# What is shown


def test_what_is_sent_is_logged(local, few, caplog):
    """One line at INFO says what Dune is asked for, another what stays here."""
    caplog.set_level(logging.INFO, logger="dune_frames")
    frame = local.client().scan_execution(few)
    frame.filter((pl.col("n") > 2) & (pl.col("x") > 2)).select("n").collect()
    said = [each.getMessage() for each in caplog.records]
    assert any("filters='\"n\" > 2'" in each and "('n', 'x')" in each for each in said)
    assert any(each == "filtered on this machine alone: x > 2.0" for each in said)
    caplog.clear()
    frame.filter(pl.col("n") > 3).collect()
    said = [each.getMessage() for each in caplog.records]
    assert any(each == "filtered on this machine alone: nothing" for each in said)


@pytest.mark.parametrize("wanted", [1, 3, 4, 100])
def test_what_was_exported_is_logged_however_much_is_taken(local, few, caplog, wanted):
    """The bytes that the log tells are those that were exported, also when a head was enough."""
    caplog.set_level(logging.INFO, logger="dune_frames")
    local.client().scan_execution(few, cache=False).head(wanted).collect()
    local.client().scan_execution(few, cache=False).select("n").slice(1, 1).collect()
    said = " ".join(each.getMessage() for each in caplog.records)
    told = sum(map(int, re.findall(r"(\d+) bytes exported", said)))
    sent = sum(each.bytes_sent for each in local.requests if each.rows)
    assert told == sent


def test_the_plan_shows_what_is_handed_over(local, few):
    """`explain` shows the columns, the filter and the limit that a scan is given."""
    frame = local.client().scan_execution(few)
    shown = frame.filter(pl.col("n") > 2).select("x").explain()
    assert "PROJECT" in shown
    assert "SELECTION" in shown
    assert "SLICE" in frame.head(3).explain()
    assert POLARS < (2, 0) or few in shown


def test_help_shows_the_options():
    """The functions show their options, and not the one that is for pandas."""
    for function in (dune.scan_dune_query, dune.scan_dune_sql, dune.scan_dune_execution):
        assert "uint256 : {" in function.__doc__
        assert "dtype_backend" not in function.__doc__
        assert "{options}" not in function.__doc__


def test_the_pin_asks_behind_all_rows(local):
    """The latest run is found by asking for a row that no result has."""
    local.store_result(FEW, TYPES, query_id=6)
    local.client().scan_query(6)
    ((query, rows),) = _exports(local)
    assert (query["limit"], query["offset"], rows) == ("1", str(BEHIND_ALL), 0)
