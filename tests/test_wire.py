"""The wire: recorded payloads are read as they are, and no other body does any harm."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay import BASE_URL, answer

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._wire import answers, endpoints
from dune_frames._wire.envelope import MalformedBodyError, cut_out_rows

ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"


def recorded(examples, name):
    """Return a recorded payload as an answer, and as JSON."""
    body = (examples / f"{name}.json").read_bytes()
    return answer(200, body), json.loads(body)


# Requests


def test_a_request_carries_only_what_was_asked():
    """No tier unless named, no parameters unless given: Dune's own defaults hold."""
    assert endpoints.execute_query(7, {}, None).body == {}
    assert endpoints.execute_sql("SELECT 1", None).body == {"sql": "SELECT 1"}
    assert endpoints.execute_query(7, {"k": "v"}, "large").body == {
        "query_parameters": {"k": "v"},
        "performance": "large",
    }


def test_only_execute_requests_start_runs():
    """The flag on which the money rules rest stands on the two requests that bill a run."""
    requests = [
        endpoints.execute_query(7, {}, None),
        endpoints.execute_sql("SELECT 1", None),
        endpoints.execution_status(ID),
        endpoints.cancel_execution(ID),
        endpoints.execution_results(ID, Window()),
        endpoints.latest_results(7, {}, Window(), allow_partial=False),
    ]
    assert [request.starts_run for request in requests] == [True, True, False, False, False, False]


def test_an_execution_id_cannot_leave_its_place_in_the_path():
    """An id with slashes, dots or question marks is one segment of the path."""
    path = endpoints.execution_status("../../x?y#z").path
    assert path == "/execution/..%2F..%2Fx%3Fy%23z/status"


def test_parameters_and_columns_are_encoded():
    """Parameters of the latest result go as `params.<name>`, lists as repeated keys."""
    window = Window(columns=("a", 'b,"c'), limit=5)
    request = endpoints.latest_results(7, {"k": ["x", "y"]}, window, allow_partial=True)
    text = urlencode(request.query)
    assert "params.k=x&params.k=y" in text
    assert ("columns", 'a,"b,""c"') in request.query
    assert ("allow_partial_results", "true") in request.query


# Recorded answers


def test_a_recorded_status_is_read(examples):
    """A completed run, as recorded in 2024: every field, times in UTC cut to microseconds."""
    told, body = recorded(examples, "real_status_completed_2024")
    status = answers.read_status(told)
    assert status.execution_id == body["execution_id"]
    assert status.is_finished
    assert status.word == "COMPLETED"
    assert status.metadata.column_names == tuple(body["result_metadata"]["column_names"])
    assert status.metadata.total_row_count == body["result_metadata"]["total_row_count"]
    assert status.submitted_at.tzinfo is UTC


def test_a_recorded_status_without_an_end_is_read(examples):
    """A run under way, as recorded: what is not there yet is None."""
    told, _ = recorded(examples, "real_status_executing_2024")
    status = answers.read_status(told)
    assert not status.is_finished
    assert status.ended_at is None
    assert status.metadata is None


def test_the_epoch_means_no_time(examples):
    """In 2022 missing times were written as 1970; Go's zero time is none either."""
    told, body = recorded(examples, "real_status_no_pending_2022")
    answers.read_status(told)
    zero = answer(200, body | {"expires_at": "0001-01-01T00:00:00Z", "submitted_at": "soon"})
    assert answers.read_status(zero).expires_at is None
    assert answers.read_status(zero).submitted_at is None


def test_times_are_read_to_the_microsecond():
    """Nine fractional digits are cut, fewer are filled."""
    told = {"execution_id": ID, "state": "x"}
    long = answers.read_status(
        answer(200, told | {"submitted_at": "2024-01-02T03:04:05.123456789Z"})
    )
    short = answers.read_status(answer(200, told | {"submitted_at": "2024-01-02T03:04:05.1Z"}))
    assert long.submitted_at == datetime(2024, 1, 2, 3, 4, 5, 123456, UTC)
    assert short.submitted_at == datetime(2024, 1, 2, 3, 4, 5, 100000, UTC)


RESULTS = [
    "docs_old_latest_0", "docs_old_results_0", "docs_results_json_filtered_0",
    "docs_results_json_pagination_0", "docs_results_json_pagination_1",
    "docs_results_json_sampled_0", "docs_results_json_sorted_0", "real_dune_sync_0",
    "real_dune_sync_1", "real_results_decimal_2025", "real_results_paged_types_2026",
    "real_results_timestamp_no_tz_2024",
]  # fmt: skip


@pytest.mark.parametrize("name", RESULTS)
def test_recorded_results_are_read(name, examples):
    """Rows, state and the next offset of every recorded page are what its JSON says."""
    told, body = recorded(examples, name)
    results = answers.read_results(told)
    assert json.loads(bytes(results.rows)) == body["result"]["rows"]
    assert results.status.state == body["state"]
    assert results.next_offset == body.get("next_offset")
    assert results.status.metadata.column_names


@pytest.mark.parametrize("name", RESULTS)
def test_recorded_results_are_read_alike_however_they_are_spaced(name, examples):
    """The quick cut and the careful one find the same rows: compact, indented, turned round."""
    _, body = recorded(examples, name)
    compact = json.dumps(body, separators=(",", ":")).encode()
    turned = json.dumps(dict(reversed(body.items())), indent=1).encode()
    assert json.loads(bytes(cut_out_rows(compact)[1])) == body["result"]["rows"]
    assert json.loads(bytes(cut_out_rows(turned)[1])) == body["result"]["rows"]


def test_both_spellings_of_cancelled_are_one_word(examples):
    """The wire says CANCELLED, the documentation CANCELED."""
    told, body = recorded(examples, "real_results_cancelled_2022")
    assert answers.read_results(told).status.word == "CANCELLED"
    other = answer(200, body | {"state": "QUERY_STATE_CANCELED"})
    assert answers.read_results(other).status.word == "CANCELLED"


def test_a_final_state_needs_no_flag():
    """A state that is known to be final ends the wait, whatever the flag says or lacks."""
    for flag in ({}, {"is_execution_finished": None}, {"is_execution_finished": False}):
        told = {"execution_id": ID, "state": "QUERY_STATE_FAILED"} | flag
        assert answers.read_status(answer(200, told)).is_finished


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no"}', "no"),
        (b'{"error": {"type": "x", "message": "no"}}', "no"),
        (b'{"message": "Forbidden"}', "Forbidden"),
        (b'{"error": null}', None),
        (b'{"error": ""}', None),
        (b'"error"', None),
        (b'["error"]', None),
        (b"<html>", None),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
    ],
)
def test_what_an_http_error_says(body, said):
    """Dune's words are found where they are, and nothing is made up where not."""
    assert answers.read_error(answer(400, body)) == said


# Rows


def test_rows_are_found_whatever_the_columns_are_called():
    """Columns called `rows` and `metadata`, and metadata before the rows, do not mislead."""
    rows = [{"rows": [1], "metadata": {"rows": []}, "x": '"rows":[],"metadata":'}]
    metadata = {"column_names": ["rows", "metadata", "x"], "row_count": 1}
    for result in ({"rows": rows, "metadata": metadata}, {"metadata": metadata, "rows": rows}):
        for separators in ((",", ":"), (", ", ": ")):
            body = json.dumps({"state": "x", "result": result}, separators=separators).encode()
            envelope, found = cut_out_rows(body)
            assert json.loads(bytes(found)) == rows
            assert envelope["result"]["metadata"] == metadata


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["rows", "metadata", '"rows":[', ']"metadata":']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text() | st.sampled_from(["rows", "metadata"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=40)
@given(
    st.lists(st.dictionaries(st.text() | st.sampled_from(["rows", "metadata"]), _VALUES)),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_any_rows_are_cut_out_exactly(rows, metadata_first, compact, ascii_only):
    """Whatever the rows hold, the bytes cut out are those of the array, and the rest is whole."""
    metadata = {"column_names": ["rows"], "row_count": len(rows)}
    parts = {"rows": rows, "metadata": metadata}
    result = dict(reversed(parts.items())) if metadata_first else parts
    told = {"execution_id": ID, "state": "x", "result": result, "next_offset": 3}
    text = json.dumps(told, separators=(",", ":") if compact else None, ensure_ascii=ascii_only)
    envelope, found = cut_out_rows(text.encode("utf-8", "surrogatepass"))
    assert json.loads(bytes(found)) == rows
    assert envelope["next_offset"] == 3


def test_rows_that_are_null_are_no_rows():
    """Go writes a list that was never filled as null."""
    told = {"execution_id": ID, "state": "x", "result": {"rows": None, "metadata": {}}}
    assert answers.read_results(answer(200, told)).rows == b"[]"


def test_rows_with_words_that_are_no_json_are_passed_on():
    """A bare NaN is the decoder's business; it does not hide the rows."""
    body = b'{"execution_id": "x", "state": "x", "result": {"rows": [{"a": NaN}], "metadata": {}}}'
    assert answers.read_results(answer(200, body)).rows == b'[{"a": NaN}]'


def test_column_names_are_taken_from_the_rows_where_none_are_told():
    """Results from before 2024 may lack them; broken rows are no reason to fail otherwise."""
    told = {"execution_id": ID, "state": "x", "result": {"rows": [{"a": 1}, {"a": 1, "b": 2}]}}
    assert answers.read_results(answer(200, told)).status.metadata.column_names == ("a", "b")
    compact = b'{"execution_id":"x","state":"x","result":{"rows":[{],"metadata":{}}}'
    with pytest.raises(MalformedBodyError):
        answers.read_results(answer(200, compact))


# Bodies that are not what they should be


READERS = [
    answers.read_status,
    answers.read_results,
    answers.read_submitted,
    answers.read_cancelled,
]
_KEYS = st.sampled_from(
    [
        "execution_id", "state", "is_execution_finished", "query_id", "submitted_at", "expires_at",
        "error", "type", "message", "metadata", "line", "column", "result", "rows",
        "result_metadata", "column_names", "column_types", "row_count", "total_row_count",
        "next_offset", "next_uri", "success", "queue_position", "execution_cost_credits",
    ]
)  # fmt: skip
_ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["QUERY_STATE_COMPLETED", ID, "2024-01-01T00:00:00Z", "//x", "http://["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=20,
)


@settings(max_examples=60)
@given(st.dictionaries(_KEYS, _ODD), st.sampled_from(READERS))
def test_any_json_is_read_or_refused_by_name(told, read):
    """Whatever JSON comes, a reader returns or says that the body is not the API's."""
    head = {"execution_id": ID, "state": "QUERY_STATE_COMPLETED"}
    for body in (told, head | told):
        with suppress(MalformedBodyError, errors.UntrustedAddressError):
            read(answer(200, body))


@given(st.binary(max_size=200), st.sampled_from(READERS))
def test_any_bytes_are_read_or_refused_by_name(body, read):
    """Whatever bytes come, no exception of the JSON parser escapes."""
    with suppress(MalformedBodyError):
        read(answer(200, body))


def test_a_malformed_body_does_not_hang_on_to_its_error():
    """The error is not chained to one of the JSON parser, which holds the whole body."""
    for read in READERS:
        with pytest.raises(MalformedBodyError) as caught:
            read(answer(200, b"<html>"))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("name", RESULTS)
def test_a_page_that_is_cut_short_is_noticed(name, cut, examples):
    """No part of a JSON page passes for the whole, wherever it ends."""
    body = (examples / f"{name}.json").read_bytes().rstrip()
    compact = json.dumps(json.loads(body), separators=(",", ":")).encode()
    for whole in (body, compact):
        with pytest.raises(MalformedBodyError):
            answers.read_results(answer(200, whole[: int(len(whole) * cut)]))
        with pytest.raises(MalformedBodyError):
            answers.read_results(answer(200, whole[:-1]))


# Addresses in answers


OWN = ["/api/v1/x?offset=5", f"{BASE_URL}/x", f"{BASE_URL}:443/x", "HTTPS://API.DUNE.COM/x"]
FOREIGN = [
    "https://evil.example/api/v1/x",
    "http://api.dune.com/api/v1/x",
    "https://api.dune.com:8443/x",
    "https://api.dune.com.evil.example/x",
    "https://api.dune.com@evil.example/x",
    "https://user@api.dune.com/x",
    "//evil.example/x",
    "https://evil.example\\@api.dune.com/x",
    "https://api.dune.com\t.evil.example/x",
    "https://api.dune.com:port/x",
    "https://api.dune.com:0/x",
    "http://[",
    "javascript:alert(1)",
    "\\\\evil.example/x",
    "/\\evil.example/x",
    {"not": "text"},
    17,
]


@pytest.mark.parametrize("told", OWN)
def test_our_own_address_is_accepted(told):
    """An address at the configured scheme, host and port is ours, however it is written."""
    body = {"execution_id": ID, "state": "x", "next_uri": told, "next_offset": 5}
    answers.read_results(answer(200, body))
    answers.read_csv_offset(answer(200, b"", x_dune_next_uri=told, x_dune_next_offset="5"))


def test_a_next_page_without_its_offset_is_refused():
    """A page that is announced and not placed would go missing: the answer is no good."""
    body = {"execution_id": ID, "state": "x", "next_uri": "/api/v1/x?offset=5"}
    with pytest.raises(MalformedBodyError, match="without the offset"):
        answers.read_results(answer(200, body))
    with pytest.raises(MalformedBodyError, match="without the offset"):
        answers.read_csv_offset(answer(200, b"", x_dune_next_uri="/api/v1/x"))


@pytest.mark.parametrize("told", FOREIGN, ids=str)
def test_a_foreign_address_is_refused(told):
    """Any other scheme, host or port, and whatever parsers disagree about, is refused."""
    body = {"execution_id": ID, "state": "x", "next_uri": told}
    with pytest.raises(errors.UntrustedAddressError):
        answers.read_results(answer(200, body))
    if isinstance(told, str):
        with pytest.raises(errors.UntrustedAddressError):
            answers.read_csv_offset(answer(200, b"", x_dune_next_uri=told))
        with pytest.raises(errors.UntrustedAddressError):
            answers.read_results(
                answer(200, {"execution_id": ID, "state": "x"}, x_dune_next_uri=told)
            )


@pytest.mark.parametrize("told", ["-1", "1.5", "x", "", "9" * 30])
def test_an_offset_that_is_none_is_refused(told):
    """The next offset of a CSV page is a count or an error."""
    with pytest.raises(MalformedBodyError):
        answers.read_csv_offset(answer(200, b"", x_dune_next_offset=told))
