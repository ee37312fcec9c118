"""Recorded payloads of the real API, each of them read."""

from __future__ import annotations

import csv
import json
import re
import threading
import warnings
from contextlib import contextmanager
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pytest

import dune_frames as dune
from dune_frames._decode.from_csv import decode_csv
from dune_frames._decode.from_json import decode_json
from dune_frames._types.schema import DuneTypeWarning, Typing, result_schema
from dune_frames._wire.answers import read_results, read_status, read_submitted
from dune_frames._wire.endpoints import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RESULTS = [
    "docs_old_latest_0", "docs_old_results_0", "docs_results_json_filtered_0",
    "docs_results_json_pagination_0", "docs_results_json_pagination_1",
    "docs_results_json_sampled_0", "docs_results_json_sorted_0", "real_dune_sync_0",
    "real_dune_sync_1", "real_results_decimal_2025", "real_results_decimals_nulls_2023",
    "real_results_paged_types_2026", "real_results_timestamp_no_tz_2024",
]  # fmt: skip
#: Recorded whole, with all their rows.
WHOLE = [
    "docs_old_results_0", "real_dune_sync_0", "real_dune_sync_1", "real_results_decimal_2025",
    "real_results_timestamp_no_tz_2024",
]  # fmt: skip
STATUSES = [
    "docs_old_status_0", "docs_old_status_1", "docs_status_0", "docs_status_1",
    "real_results_cancelled_2022", "real_status_completed_2024", "real_status_executing_2024",
    "real_status_no_pending_2022",
]  # fmt: skip
SUBMITTED = ["docs_execute_sql_0", "docs_execute_sql_executing_0", "docs_old_execute_0"]
FAILURES = ["real_results_failed_error_2022", "real_results_failed_error_no_metadata_2022"]
CSV = [
    "docs_old_results_csv", "real_csv_32000_rows_2024", "real_csv_ts_e2e_limit1_offset2",
    "real_csv_ts_e2e_limit3", "real_csv_ts_e2e_params",
]  # fmt: skip
ERRORS = {
    "docs_error_0": 401, "docs_error_1": 404, "docs_error_2": 402, "error_400_bad_enum_value": 400,
    "error_400_bad_execution_id": 400, "error_400_invalid_tier": 400,
    "error_400_unknown_param": 400, "error_401_bad_key": 401, "error_402_datapoint_cycle": 402,
    "error_402_limits_cycle_docs": 402, "error_403_archived": 403, "error_404_no_execution": 404,
    "error_404_query_not_found": 404, "error_csv_still_executing": 400,
    "error_limits_per_request": 402, "error_partial_result": 400,
}  # fmt: skip
#: Of another endpoint, or no payload at all; a 500 is retried, which other tests prove.
OTHERS = {
    "SOURCES.md", "docs_execute_sql_request_schema_2026.yaml", "docs_webhook_0.json",
    "headers_400_2023.txt", "openapi_executions_subset.json", "redirect_trailing_slash.html",
    "error_500.json",
}  # fmt: skip


def answer_of(examples: Path, name: str) -> Answer:
    return Answer(200, {}, (examples / f"{name}.json").read_bytes(), "https://api.dune.com")


def raw(examples: Path, name: str) -> dict[str, Any]:
    """The payload with every number as the text that it is."""
    found: dict[str, Any] = json.loads(
        (examples / f"{name}.json").read_bytes(), parse_int=str, parse_float=str
    )
    return found


def table_of(examples: Path, name: str) -> pa.Table:
    results = read_results(answer_of(examples, name))
    told = results.status.metadata
    return decode_json(results.rows, result_schema(told.column_names, told.column_types, Typing()))


def test_every_payload_has_its_test(examples: Path) -> None:
    """Each file is in exactly one of the lists above: a new recording cannot be forgotten."""
    names = [*RESULTS, *STATUSES, *SUBMITTED, *FAILURES, *ERRORS]
    listed = [f"{name}.json" for name in names] + [f"{name}.csv" for name in CSV] + [*OTHERS]
    assert sorted(listed) == sorted(path.name for path in examples.iterdir())


@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
@pytest.mark.parametrize("name", RESULTS)
def test_every_cell_of_recorded_results(name: str, examples: Path) -> None:
    """Each cell is the value that was recorded, in `column_names` order, null where null was."""
    table, told = table_of(examples, name), raw(examples, name)["result"]
    names = told.get("metadata", {}).get("column_names")
    assert names is None or table.column_names == names
    assert table.num_rows == len(told["rows"])
    for row, sent in zip(table.to_pylist(), told["rows"], strict=True):
        assert row.keys() == sent.keys()
        for column, value in row.items():
            assert _is(value, sent[column], table.schema.field(column).type), column


def _is(value: Any, sent: Any, to: pa.DataType) -> bool:
    if sent is None or value is None:
        return sent is None and value is None
    if pa.types.is_floating(to):
        return bool(value == float(sent))
    if pa.types.is_integer(to) or pa.types.is_decimal(to):
        return bool(value == Decimal(sent))
    if pa.types.is_timestamp(to):
        return bool(value.strftime("%Y-%m-%d %H:%M:%S") == sent[:19])
    return str(value) == (sent[:10] if pa.types.is_date(to) else str(sent))


@pytest.mark.parametrize("name", RESULTS)
def test_old_results_warn_once_and_are_text(name: str, examples: Path) -> None:
    """Results without `column_types` are text with one warning; the others warn of nothing."""
    told = raw(examples, name)["result"].get("metadata", {})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = table_of(examples, name)
    if "column_types" in told:
        assert not caught
    else:
        assert [each.category for each in caught] == [DuneTypeWarning]
        assert set(table.schema.types) == {pa.string()}


def test_the_types_of_2026(examples: Path) -> None:
    """The newest recording has the types that its metadata tells, nulls among them."""
    table = table_of(examples, "real_results_paged_types_2026")
    types = dict(zip(table.column_names, table.schema.types, strict=True))
    assert types["block_time"] == pa.timestamp("us", "UTC")
    assert types["block_date"] == pa.date32()
    assert types["vlp_supply_most_recent"] == pa.string()
    assert table["call_block_time"].null_count > 0
    assert table["vlp_supply_most_recent"][0].as_py() == "8946849396434"


@pytest.mark.parametrize("name", STATUSES)
def test_recorded_statuses(name: str, examples: Path) -> None:
    """Each recorded status is read, whatever keys its year had."""
    status, told = read_status(answer_of(examples, name)), raw(examples, name)
    assert (status.execution_id, status.state) == (told["execution_id"], told["state"])
    names = told.get("result_metadata", {}).get("column_names")
    assert names is None or list(status.metadata.column_names) == names


@pytest.mark.parametrize("name", SUBMITTED)
def test_recorded_submissions(name: str, examples: Path) -> None:
    """Each recorded answer to an execute request gives the execution's id."""
    assert read_submitted(answer_of(examples, name)) == raw(examples, name)["execution_id"]


@pytest.mark.parametrize("name", FAILURES)
def test_recorded_failures(name: str, examples: Path) -> None:
    """A run that failed tells why, with the place in the SQL where one was recorded."""
    told = raw(examples, name)
    envelope = {"execution_id": "01", "state": "QUERY_STATE_FAILED", **told}
    status = read_status(Answer(200, {}, json.dumps(envelope).encode(), "https://api.dune.com"))
    assert status.failure.message == told["error"]["message"]
    place = told["error"].get("metadata")
    assert (status.failure.line, status.failure.column) == ((1, 8) if place else (None, None))


# CSV


@pytest.mark.parametrize("name", CSV)
def test_every_cell_of_recorded_csv(name: str, examples: Path) -> None:
    """Each recorded CSV is read as text, cell by cell."""
    path = examples / f"{name}.csv"
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    schema = result_schema(header, ["varchar"] * len(header), Typing())
    table = decode_csv(path.read_bytes(), schema)
    assert [list(row.values()) for row in table.to_pylist()] == rows


def test_the_32000_rows(examples: Path) -> None:
    """The large recorded CSV is typed whole: prices bit by bit, instants in UTC."""
    path = examples / "real_csv_32000_rows_2024.csv"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    types = ["double", "varchar", "timestamp(3) with time zone"]
    table = decode_csv(
        path.read_bytes(), result_schema(["price", "symbol", "time"], types, Typing())
    )
    assert table.num_rows == 32_000
    assert table["price"].to_pylist() == [float(row["price"]) for row in rows]
    assert table["symbol"].to_pylist() == [row["symbol"] for row in rows]
    shown = table["time"].cast(pa.timestamp("ms", "UTC")).cast(pa.string()).to_pylist()
    assert [text.replace("Z", " UTC") for text in shown] == [row["time"] for row in rows]


def test_one_execution_recorded_in_both_formats(examples: Path) -> None:
    """The execution that was recorded as JSON and as CSV is the same table from both."""
    schema = result_schema(["ct", "TableName"], ["bigint", "varchar"], Typing())
    results = read_results(answer_of(examples, "docs_old_results_0"))
    from_csv = decode_csv((examples / "docs_old_results_csv.csv").read_bytes(), schema)
    assert from_csv.equals(decode_json(results.rows, schema))
    assert 4474223 in from_csv["ct"].to_pylist()


# Over HTTP


@contextmanager
def served(routes: dict[str, tuple[int, bytes]]) -> Iterator[dune.Dune]:
    """Serve recorded bodies on loopback, each by the end of its path."""

    class Recorded(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            status, body = next(
                (found for end, found in routes.items() if path.endswith(end)), (404, b"{}")
            )
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield dune.Dune(api_key="key", base_url=f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def status_of(results: dict[str, Any]) -> bytes:
    """The status that belongs to results: all but the rows."""
    metadata = results["result"].get("metadata", {})
    status = {name: value for name, value in results.items() if name != "result"}
    return json.dumps(status | {"result_metadata": metadata}).encode()


@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
@pytest.mark.parametrize("name", WHOLE)
def test_recorded_results_over_http(name: str, examples: Path) -> None:
    """What was recorded whole is read over HTTP into every frame."""
    body = (examples / f"{name}.json").read_bytes()
    told = json.loads(body)
    routes = {"/status": (200, status_of(told)), "/results": (200, body)}
    with served(routes) as client:
        frames = [
            client.read_execution(told["execution_id"], frame=frame, format="json", cache=False)
            for frame in ("pandas", "polars", "pyarrow")
        ]
    names, rows = told["result"]["metadata"]["column_names"], told["result"]["rows"]
    assert [list(frames[0].columns), frames[1].columns, frames[2].column_names] == [names] * 3
    assert [len(frames[0]), frames[1].height, frames[2].num_rows] == [len(rows)] * 3
    assert isinstance(frames[1], pl.DataFrame)


def test_the_32000_rows_over_http(examples: Path) -> None:
    """The large recorded CSV comes through the whole client, from CSV as from nothing else."""
    metadata = {
        "column_names": ["price", "symbol", "time"],
        "column_types": ["double", "varchar", "timestamp(3) with time zone"],
        "row_count": 32_000, "total_row_count": 32_000,
    }  # fmt: skip
    execution = {
        "execution_id": "01J2",
        "state": "QUERY_STATE_COMPLETED",
        "is_execution_finished": True,
    }
    proof = execution | {"result": {"rows": [], "metadata": metadata | {"row_count": 0}}}
    routes = {
        "/status": (200, json.dumps(execution | {"result_metadata": metadata}).encode()),
        "/results": (200, json.dumps(proof).encode()),
        "/results/csv": (200, (examples / "real_csv_32000_rows_2024.csv").read_bytes()),
    }
    with served(routes) as client:
        frame = client.read_execution("01J2", frame="polars", format="csv", cache=False)
    assert frame.schema == {
        "price": pl.Float64, "symbol": pl.String, "time": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    assert frame.height == 32_000
    assert sorted(frame["symbol"].unique()) == ["HLP index", "HLP w/ Yield"]


@pytest.mark.parametrize("name", ERRORS)
def test_recorded_errors_over_http(name: str, examples: Path) -> None:
    """Each recorded error is a `DuneError` with Dune's words, the execution and what to do."""
    body = (examples / f"{name}.json").read_bytes()
    routes = {"/status": (ERRORS[name], body)}
    with served(routes) as client, pytest.raises(dune.DuneError) as caught:
        client.read_execution("01HKZJ2683PHF9Q9PHHQ8FW4Q1", cache=False)
    said = json.loads(body)["error"]
    assert caught.value.server_text == said
    assert re.search(r"What to do: \S", str(caught.value))
