"""Our answers beside the recorded ones: the same keys, spelt the same, in the same order, of the same JSON types."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from asking import Asker

from dune_frames.local import ExecutionError, LocalDune, Quirks

#: The types of results that were recorded before metadata told them.
DEX = {"timestamp(3) with time zone": ("block_date", "block_time"), "date": ("block_month",), "bigint": ("evt_index",),
       "uint256": ("token_bought_amount_raw", "token_sold_amount_raw"),
       "double": ("amount_usd", "token_bought_amount", "token_sold_amount"),
       "varbinary": ("maker", "project_contract_address", "taker", "token_bought_address", "token_sold_address",
                     "tx_from", "tx_hash", "tx_to")}  # fmt: skip
OLD_TYPES = {
    "docs_old_results_0": {"bigint": ("ct",)},
    "docs_results_json_filtered_0": DEX,
    "docs_results_json_pagination_0": {},
    "docs_results_json_pagination_1": DEX,
    "docs_results_json_sampled_0": DEX,
    "docs_results_json_sorted_0": DEX,
    "real_results_timestamp_no_tz_2024": {
        "decimal(11, 10)": ("number_field",),
        "timestamp(3)": ("date_field",),
    },
}
#: How each recorded result is asked for.
ASKED = {
    "docs_results_json_filtered_0": {
        "limit": 10,
        "filters": "block_time > '2024-03-01'",
        "columns": "block_time,tx_from,tx_to,tx_hash,amount_usd",
    },
    "docs_results_json_pagination_0": {"offset": 30},
    "docs_results_json_pagination_1": {"limit": 1000},
    "docs_results_json_sorted_0": {"limit": 10},
    "real_results_paged_types_2026": {"limit": 3},
}
#: Pages that were recorded with all their rows, and asked for as above.
WHOLE_PAGES = {"docs_results_json_filtered_0", "docs_results_json_pagination_1"}
#: What else differs from today's answers, and why: keys that a recording lacks, or its order.
IN_2022 = {"is_execution_finished", "row_count", "total_result_set_bytes"}
LACKS: dict[str, set[str]] = {
    "docs_old_results_0": IN_2022,
    "docs_old_status_0": {"is_execution_finished"},
    "docs_old_status_1": IN_2022 | {"execution_cost_credits", "column_types"},
    "real_status_completed_2024": {"execution_cost_credits"},
    "real_status_no_pending_2022": IN_2022 | {"execution_cost_credits", "pending_time_millis"},
    "docs_status_0": {"result_metadata"},
}
HAS_MORE: dict[str, set[str]] = {"docs_old_status_0": {"expires_at"}}
#: The source of the recording put the keys in an order of its own.
REARRANGED = {"real_results_cancelled_2022": "a test's source, which compares without order"}
#: The recording was indented by a program that writes small numbers in its own way (1e-05).
OTHER_NUMBERS = {"real_results_paged_types_2026", "docs_results_json_pagination_1"}

RESULTS = [*OLD_TYPES, "real_dune_sync_1", "real_results_decimal_2025", "real_results_paged_types_2026"]  # fmt: skip
STATUSES = [
    "docs_old_status_0", "docs_old_status_1", "docs_status_0", "docs_status_1", "real_status_completed_2024",
    "real_status_executing_2024", "real_status_no_pending_2022",
]  # fmt: skip
STARTED = ["docs_execute_sql_0", "docs_old_execute_0", "docs_execute_sql_executing_0"]
FAILURES = ["real_results_failed_error_2022", "real_results_failed_error_no_metadata_2022"]
ERRORS = {
    "docs_error_0": 401, "docs_error_1": 404, "error_400_bad_enum_value": 400, "error_400_bad_execution_id": 400,
    "error_400_invalid_tier": 400, "error_400_unknown_param": 400, "error_401_bad_key": 401,
    "error_404_no_execution": 404, "error_404_query_not_found": 404, "error_500": 500,
    "error_csv_still_executing": 400, "error_limits_per_request": 402, "error_partial_result": 400,
}  # fmt: skip
CSV = [
    "docs_old_results_csv", "real_csv_32000_rows_2024", "real_csv_ts_e2e_limit1_offset2", "real_csv_ts_e2e_limit3",
    "real_csv_ts_e2e_params",
]  # fmt: skip
NOT_OURS = {
    "docs_old_latest_0.json": "the document's author dropped a level: metadata stands beside the rows",
    "real_dune_sync_0.json": "its keys were put in another order and one was shortened; test_values_as_recorded has it",
    "real_results_decimals_nulls_2023.json": "trimmed and rearranged by hand; test_values_as_recorded has it",
    "real_results_cancelled_2022.json": "test_a_cancelled_result",
    "docs_webhook_0.json": "there are no webhooks",
    "docs_error_2.json": "there is no billing cycle; inject(Status(402, body=...)) gives it",
    "error_402_datapoint_cycle.json": "the same",
    "error_402_limits_cycle_docs.json": "the same",
    "error_403_archived.json": "no query is archived; inject(Status(403, body=...)) gives it",
    "headers_400_2023.txt": "CORS headers would open a loopback server to every web page",
    "redirect_trailing_slash.html": "test_refusals has it",
    "docs_execute_sql_request_schema_2026.yaml": "no answer",
    "openapi_executions_subset.json": "no answer; test_contract has the whole document",
    "SOURCES.md": "no answer",
}


def test_every_recording_has_its_test(examples):
    """Each file is in exactly one of the lists above: a new recording cannot be forgotten."""
    names = [f"{name}.json" for name in (*RESULTS, *STATUSES, *STARTED, *FAILURES, *ERRORS)]
    listed = [*names, *(f"{name}.csv" for name in CSV), *NOT_OURS]
    assert sorted(listed) == sorted(path.name for path in examples.iterdir())


@pytest.fixture
def recorded(examples):
    """A recording with every number as the text that it is."""

    def read(name: str) -> dict[str, Any]:
        text = (examples / f"{name}.json").read_text(encoding="utf-8")
        return json.loads(text, parse_float=Number, parse_int=Number)

    return read


class Number(str):
    """The digits of a number in JSON."""

    __slots__ = ()


def shape(value: Any, left_out: set[str] = frozenset()) -> Any:
    """Keys in their order with the JSON types of their values; a row list tells of each row."""
    if isinstance(value, dict):
        return [
            (key, shape(inner, left_out)) for key, inner in value.items() if key not in left_out
        ]
    if isinstance(value, list):
        return [shape(inner, left_out) for inner in value]
    names = {Number: "number", str: "string", bool: "boolean", type(None): "null"}
    return names[type(value)]


def same(ours: Any, theirs: Any, name: str) -> None:
    """The answers have one shape, but for what the lists above say of the recording."""
    assert shape(ours, LACKS.get(name, set())) == shape(theirs, HAS_MORE.get(name, set()))


def told_by(answer) -> dict[str, Any]:
    return json.loads(answer.text, parse_float=Number, parse_int=Number)


def types_of(name: str, metadata: dict[str, Any]) -> dict[str, str]:
    """The types of a result's columns, told by itself or by the list above."""
    names = metadata["column_names"]
    if "column_types" in metadata:
        return dict(zip(names, metadata["column_types"], strict=True))
    known = {column: dune for dune, columns in OLD_TYPES[name].items() for column in columns}
    return {column: known.get(column, "varchar") for column in names}


def value_of(cell: Any, dune: str) -> Any:
    """A recorded cell as a value to store."""
    if isinstance(cell, Number):
        return float(cell) if dune in ("double", "real") else int(cell)
    return cell[:10] if cell and dune == "date" else cell


def stored(dune: LocalDune, name: str, told: dict[str, Any], more: int = 0) -> str:
    """Store a recorded result; `more` rows follow those that were recorded."""
    types = types_of(name, told["result"]["metadata"])
    rows = [
        {key: value_of(cell, types[key]) for key, cell in row.items()}
        for row in told["result"]["rows"]
    ]
    return dune.store_result(rows + rows[:1] * more, types, query_id=int(told["query_id"]))


@pytest.mark.parametrize("name", RESULTS)
def test_results(name, recorded):
    """Results have the recorded keys, and every row the recorded cells, digit by digit."""
    told = recorded(name)
    metadata = told["result"]["metadata"]
    quirks = Quirks(
        column_types="column_types" in metadata,
        dates_as_timestamps=name == "docs_results_json_pagination_1",
    )
    asked, rows = dict(ASKED.get(name, {})), told["result"]["rows"]
    with LocalDune(quirks=quirks, page_rows=max(len(rows), 1)) as dune:
        execution_id = stored(dune, name, told, more=1 if "next_uri" in told else 0)
        answer = told_by(Asker(dune).get(f"/execution/{execution_id}/results", **asked))
    same(answer, told, name)
    assert answer["query_id"] == told["query_id"]
    assert answer["result"]["metadata"]["column_names"] == metadata["column_names"]
    assert answer["result"]["metadata"].get("column_types") == metadata.get("column_types")
    assert alike(answer["result"]["rows"], name) == alike(rows, name)
    if name in WHOLE_PAGES:
        assert answer["next_uri"].partition("?")[2] == told["next_uri"].partition("?")[2]
        assert answer["next_offset"] == told["next_offset"]


def alike(rows: list[Any], name: str) -> list[Any]:
    if name not in OTHER_NUMBERS:
        return rows
    return [{k: float(v) if isinstance(v, Number) else v for k, v in row.items()} for row in rows]


@pytest.mark.parametrize("name", ["real_dune_sync_0", "real_results_decimals_nulls_2023"])
def test_values_as_recorded(name, recorded):
    """Cells are as recorded where the order of keys was not kept."""
    told = recorded(name)
    types = {
        key: "varchar"
        if key == "day"
        else "bigint"
        if key.startswith("claims")
        else "decimal(38,3)"
        for key in told["result"]["metadata"]["column_names"]
    }
    if "column_types" in told["result"]["metadata"]:
        types = types_of(name, told["result"]["metadata"]) | {"some_number": "double"}
    rows = [
        {key: value_of(cell, types[key]) for key, cell in row.items()}
        for row in told["result"]["rows"]
    ]
    with LocalDune() as dune:
        execution_id = dune.store_result(rows, types)
        answer = told_by(Asker(dune).get(f"/execution/{execution_id}/results"))
    assert answer["result"]["rows"] == told["result"]["rows"]
    assert list(answer["result"]["rows"][0]) == sorted(told["result"]["rows"][0], key=str.encode)


@pytest.mark.parametrize("name", STATUSES)
def test_statuses(name, recorded):
    """The status of a run that executes, completed or failed has the recorded keys."""
    told = recorded(name)
    with LocalDune(execution_seconds=0 if told["state"] != "QUERY_STATE_EXECUTING" else 20) as dune:
        ask = Asker(dune)
        sql = "SELECT x" if "error" in told else "SELECT 1 AS token"
        if "result_metadata" in told:
            columns = told["result_metadata"]["column_names"]
            sql = "SELECT " + ", ".join(f"'a' AS {column}" for column in columns)
        path = f"/execution/{ask.post('/sql/execute', sql=sql).json()['execution_id']}/status"
        answer = told_by(ask.get(path))
        while answer["state"] != told["state"]:
            assert answer["state"] in ("QUERY_STATE_PENDING", "QUERY_STATE_EXECUTING")
            answer = told_by(ask.get(path))
    same(answer, told, name)


@pytest.mark.parametrize("name", STARTED)
def test_starts(name, recorded):
    """The answer to an execute request has the recorded keys first; more come only as a quirk."""
    told = recorded(name)
    with LocalDune(quirks=Quirks(extra_keys="submitted_at" in told)) as dune:
        answer = told_by(Asker(dune).post("/sql/execute", sql="SELECT 1"))
    assert shape(answer)[: len(told)] == shape(told)
    assert answer["state"] == told["state"]


@pytest.mark.parametrize("name", FAILURES)
def test_failures(name, recorded):
    """The error object of a failed run has the recorded keys, with and without a place."""
    told = recorded(name)["error"]
    place = told.get("metadata", {})
    error = ExecutionError(
        told["message"], told["type"], **{key: int(value) for key, value in place.items()}
    )
    with LocalDune() as dune:
        ask = Asker(dune)
        execution_id = dune.store_result(state="QUERY_STATE_FAILED", error=error)
        for tail in ("results", "status"):
            answer = told_by(ask.get(f"/execution/{execution_id}/{tail}"))
            assert answer["error"] == told
            assert list(answer["error"]) == list(told)


def test_a_cancelled_result(recorded):
    """A cancelled run's results have the recorded keys and no more; their order was not recorded."""
    told = recorded("real_results_cancelled_2022")
    with LocalDune(execution_seconds=20) as dune:
        ask = Asker(dune)
        path = f"/execution/{ask.post('/sql/execute', sql='SELECT 1').json()['execution_id']}"
        while ask.get(f"{path}/status").json()["state"] == "QUERY_STATE_PENDING":
            pass
        ask.post(f"{path}/cancel")
        answer = told_by(ask.get(f"{path}/results"))
    assert dict(shape(answer)) == dict(shape(told))
    assert answer["state"] == told["state"]


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name, recorded):
    """Each refusal is the recorded one, word for word."""
    with LocalDune(max_datapoints=3, execution_seconds=20) as dune:
        ask = Asker(dune)
        dune.save_query(70, "SELECT '{{chain}}'", {"chain": ["ethereum"]})
        partial = dune.store_result(
            [(1,)] * 4, {"x": "bigint"}, state="QUERY_STATE_COMPLETED_PARTIAL"
        )
        whole = dune.store_result([(1,)] * 4, {"x": "bigint"})
        answers = {
            "docs_error_0": lambda: ask.send("GET", "/query/1", headers={"X-Dune-Api-Key": ""}),
            "docs_error_1": lambda: ask.get("/query/71/results"),
            "error_400_bad_enum_value": lambda: ask.post(
                "/query/70/execute", query_parameters={"chain": "fantom"}
            ),
            "error_400_bad_execution_id": lambda: ask.get("/execution/Wonky Job ID/status"),
            "error_400_invalid_tier": lambda: ask.post(
                "/sql/execute", sql="SELECT 1", performance="gigantic"
            ),
            "error_400_unknown_param": lambda: ask.post(
                "/query/70/execute", query_parameters={"x": "1"}
            ),
            "error_401_bad_key": lambda: ask.send(
                "GET", "/query/1", headers={"X-Dune-Api-Key": ""}
            ),
            "error_404_no_execution": lambda: ask.get("/query/70/results"),
            "error_404_query_not_found": lambda: ask.post("/query/999999999/execute"),
            "error_500": lambda: ask.post("/query/9999999999999/execute"),
            "error_csv_still_executing": lambda: still_executing(ask),
            "error_limits_per_request": lambda: ask.get(f"/execution/{whole}/results"),
            "error_partial_result": lambda: ask.get(f"/execution/{partial}/results"),
        }
        answer = answers[name]()
    assert (answer.status_code, told_by(answer)) == (ERRORS[name], recorded(name))


def still_executing(ask):
    path = f"/execution/{ask.post('/sql/execute', sql='SELECT 1').json()['execution_id']}"
    while ask.get(f"{path}/status").json()["state"] == "QUERY_STATE_PENDING":
        pass
    return ask.get(f"{path}/results/csv")


@pytest.mark.parametrize("name", CSV)
def test_csv(name, examples):
    """A recorded CSV comes byte for byte."""
    body = (examples / f"{name}.csv").read_bytes()
    header, *rows = csv.reader(body.decode().splitlines())
    types = {column: CSV_TYPES.get(column, "varchar") for column in header}
    read = {"bigint": lambda text: int(float(text)), "double": float}
    values = [
        [read.get(types[column], str)(cell) for column, cell in zip(header, row, strict=True)]
        for row in rows
    ]
    with LocalDune() as dune:
        execution_id = dune.store_result(values, types)
        answer = Asker(dune).get(
            f"/execution/{execution_id}/results/csv", ignore_max_datapoints_per_request="true"
        )
    assert answer.content == body


CSV_TYPES = {
    "ct": "bigint", "number": "bigint", "number_field": "decimal(11,10)", "price": "double",
    "time": "timestamp(3) with time zone",
}  # fmt: skip
