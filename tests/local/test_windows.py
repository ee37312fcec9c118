"""Windows: pages, columns, limits, samples, and what they are refused for."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from asking import KEY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dune_frames.local import Quirks

TOTAL = 23
TYPES = {"b": "bigint", "a": "varchar", "Two, words": "bigint"}
ROWS = [(n, f"r{n}", n % 3) for n in range(TOTAL)]


@pytest.fixture(scope="module")
def execution(dune):
    return dune.store_result(ROWS, TYPES, query_id=7)


def follow(ask, url, headers):
    """Yield every page behind a CSV address."""
    while url:
        answer = requests.get(url, headers={"X-Dune-Api-Key": KEY}, timeout=10)
        assert answer.status_code == 200
        yield answer
        url = answer.headers.get("x-dune-next-uri")


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(limit=st.integers(1, TOTAL + 3), offset=st.integers(0, TOTAL + 3))
def test_pages_hold_every_row_once_and_in_order(ask, execution, limit, offset):
    """Any limit and offset: following next_offset gives the rows from there on, once, in order."""
    seen, place = [], offset
    while place is not None:
        page = ask.get(f"/execution/{execution}/results", limit=limit, offset=place).json()
        rows = page["result"]["rows"]
        metadata = page["result"]["metadata"]
        assert metadata["row_count"] == len(rows) <= limit
        assert metadata["total_row_count"] == TOTAL
        assert metadata["datapoint_count"] == 3 * len(rows)
        assert ("next_uri" in page) == ("next_offset" in page)
        seen += [row["b"] for row in rows]
        place = page.get("next_offset")
    assert seen == list(range(offset, TOTAL))


def test_json_and_csv_pages_point_to_the_pinned_execution(ask, execution):
    """next_uri of the latest result names the execution, keeps the window and carries no key."""
    params = {"limit": 5, "columns": "b,a", "filters": "b > 1", "sort_by": "b desc"}
    json_page = ask.get("/query/7/results", **params).json()
    csv_page = ask.get("/query/7/results/csv", **params)
    for uri, tail in (
        (json_page["next_uri"], "results"),
        (csv_page.headers["x-dune-next-uri"], "results/csv"),
    ):
        parts = urlsplit(uri)
        assert parts.path == f"/api/v1/execution/{execution}/{tail}"
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        assert asked == {"columns": "b,a", "filters": "b > 1", "limit": "5", "offset": "5"}
        assert list(asked) == sorted(asked)
    assert csv_page.headers["x-dune-next-offset"] == "5"
    assert csv_page.text.splitlines()[0] == "b,a"


def test_following_next_uri_as_the_official_client_does_gives_everything(ask, execution):
    """The addresses can be followed blindly."""
    url = f"{ask.dune.url}/api/v1/execution/{execution}/results/csv?limit=6"
    pages = list(follow(ask, url, {}))
    lines = [line for page in pages for line in page.text.splitlines()[1:]]
    assert lines == [f"{b},{a},{c}" for b, a, c in ROWS]
    assert len(pages) == 4


def test_a_limit_above_the_servers_is_lowered_silently(serve):
    """The server sends its page size, HTTP 200, and says where the next page starts."""
    ask = serve(page_rows=10)
    execution = ask.dune.store_result(ROWS, TYPES)
    page = ask.get(f"/execution/{execution}/results", limit=5_000_000).json()
    assert (len(page["result"]["rows"]), page["next_offset"]) == (10, 10)
    assert "limit=5000000" in page["next_uri"]
    unlimited = ask.get(f"/execution/{execution}/results").json()
    assert (len(unlimited["result"]["rows"]), unlimited["next_offset"]) == (10, 10)


def test_a_page_can_be_shorter_than_asked_while_more_follow(serve):
    """With the quirk, a short page is not the last one; it is never empty before the end."""
    ask = serve(quirks=Quirks(short_pages=4))
    execution = ask.dune.store_result(ROWS, TYPES)
    seen, place, sizes = [], 0, []
    while place is not None:
        page = ask.get(f"/execution/{execution}/results", limit=6, offset=place).json()
        seen += [row["b"] for row in page["result"]["rows"]]
        sizes.append(len(page["result"]["rows"]))
        place = page.get("next_offset")
    assert seen == list(range(TOTAL))
    assert set(sizes[:-1]) == {2}
    tiny = ask.get(f"/execution/{execution}/results", limit=1).json()
    assert len(tiny["result"]["rows"]) == 1


def test_too_many_datapoints_at_once_are_402_unless_the_guard_is_ignored(serve, examples):
    """Rows times columns of one request; without a limit the whole result counts."""
    ask = serve(max_datapoints=30)
    execution = ask.dune.store_result(ROWS, TYPES)
    path = f"/execution/{execution}/results"
    for params in ({}, {"limit": 11}, {"columns": "a,b"}):
        answer = ask.get(path, **params)
        assert answer.status_code == 402
        assert answer.text == (examples / "error_limits_per_request.json").read_text().replace(
            "\n", ""
        ).replace("  ", "").replace('": "', '":"')
    assert ask.get(path, limit=10).status_code == 200
    assert ask.get(path, columns="a").status_code == 200
    whole = ask.get(path, ignore_max_datapoints_per_request="true").json()
    assert len(whole["result"]["rows"]) == TOTAL


def test_limit_0_and_an_offset_past_the_end_give_no_rows_but_the_totals(ask, execution):
    """Neither is an error, and there is no next page."""
    for params in ({"limit": 0}, {"offset": TOTAL}, {"offset": 10**12}):
        page = ask.get(f"/execution/{execution}/results", **params).json()
        assert page["result"]["rows"] == []
        assert page["result"]["metadata"]["total_row_count"] == TOTAL
        assert page["result"]["metadata"]["column_names"] == list(TYPES)
        assert "next_uri" not in page
    assert ask.get(f"/execution/{execution}/results/csv", limit=0).text == 'b,a,"Two, words"\n'


def test_columns_are_chosen_by_exact_name_in_the_order_asked(ask, execution):
    """A name with a comma stands in quotes; metadata tells the chosen columns only."""
    asked = ask.get(f"/execution/{execution}/results", columns='"Two, words",b', limit=1).json()
    assert asked["result"]["rows"] == [{"Two, words": 0, "b": 0}]
    assert asked["result"]["metadata"]["column_names"] == ["Two, words", "b"]
    assert asked["result"]["metadata"]["column_types"] == ["bigint", "bigint"]
    assert asked["result"]["metadata"]["datapoint_count"] == 2


@pytest.mark.parametrize("columns", ["c", "a, b", "A", "a,,b"])
def test_an_unknown_column_is_400(ask, execution, columns):
    """Spaces belong to a name, and case counts."""
    answer = ask.get(f"/execution/{execution}/results", columns=columns)
    assert answer.status_code == 400
    assert "column" in answer.json()["error"]


@pytest.mark.parametrize(
    "params",
    [
        {"limit": "x"}, {"limit": -1}, {"offset": "1.5"}, {"sample_count": "many"},
        {"allow_partial_results": "perhaps"},
        {"sample_count": 3, "limit": 1}, {"sample_count": 3, "offset": 0}, {"sample_count": 3, "filters": "b > 1"},
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_400(ask, execution, params):
    """Numbers that are none, and samples with what excludes them."""
    answer = ask.get(f"/execution/{execution}/results", **params)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_a_sample_has_so_many_rows_of_the_result_and_the_whole_total(ask, execution):
    """Rows are distinct, another sample every time, and none follows."""
    samples = []
    for _ in range(4):
        page = ask.get(f"/execution/{execution}/results", sample_count=5).json()
        samples.append(tuple(row["b"] for row in page["result"]["rows"]))
        assert len(set(samples[-1])) == 5
        assert page["result"]["metadata"]["total_row_count"] == TOTAL
        assert "next_uri" not in page
    assert len(set(samples)) > 1
    whole = ask.get(f"/execution/{execution}/results", sample_count=100).json()
    assert len(whole["result"]["rows"]) == TOTAL


def test_totals_under_a_filter_are_of_the_whole_result_or_of_what_is_kept(serve):
    """Which of the two is not known: the default is the stored total, the quirk the filtered one."""
    for quirks, total in ((Quirks(), TOTAL), (Quirks(filtered_total=True), 3)):
        ask = serve(quirks=quirks)
        execution = ask.dune.store_result(ROWS, TYPES)
        page = ask.get(f"/execution/{execution}/results", filters="b < 3", limit=2).json()
        assert page["result"]["metadata"]["total_row_count"] == total


def test_quirks_of_metadata_and_addresses(serve):
    """Types without precision or missing, sparse metadata, a CSV next_uri without /csv."""
    quirks = Quirks(
        column_types=False,
        sparse_metadata=True,
        csv_next_uri="json",
        pretty=True,
        next_uri_sort_by=True,
    )
    ask = serve(quirks=quirks)
    execution = ask.dune.store_result(ROWS, TYPES)
    answer = ask.get(f"/execution/{execution}/results", limit=1, sort_by="b")
    metadata = answer.json()["result"]["metadata"]
    assert metadata.keys() == {
        "column_names",
        "result_set_bytes",
        "total_row_count",
        "datapoint_count",
        "execution_time_millis",
    }
    assert answer.text.startswith('{\n  "execution_id"')
    csv_answer = ask.get(f"/execution/{execution}/results/csv", limit=1, sort_by="b")
    assert csv_answer.headers["x-dune-next-uri"].endswith("/results?limit=1&offset=1&sort_by=b")

    loose = serve(quirks=Quirks(timestamp_precision=False))
    stored = loose.dune.store_result(
        [("2024-01-01 00:00:00",)], {"t": "timestamp(3) with time zone"}
    )
    shown = loose.get(f"/execution/{stored}/results").json()["result"]
    assert shown["metadata"]["column_types"] == ["timestamp with time zone"]
    assert shown["rows"] == [{"t": "2024-01-01 00:00:00.000 UTC"}]


def test_a_repeated_request_gives_the_same_bytes_and_a_full_cache_forgets(serve):
    """Bodies are kept while there is room; without room they are made again, the same."""
    for megabytes in (1, 0):
        ask = serve(body_cache_mb=megabytes)
        execution = ask.dune.store_result(ROWS, TYPES)
        bodies = {ask.get(f"/execution/{execution}/results").content for _ in range(3)}
        assert len(bodies) == 1


def test_raw_bytes_count_as_the_recorded_status_counts(dune, ask):
    """An address is its 42 characters, a double 8 bytes, a decimal 16 (recorded 2024 and 2025)."""
    rows = [("0x" + "00" * 20, 1.0, 2.0, "1.5", None)] * 10
    types = {"a": "varbinary", "b": "double", "c": "double", "d": "decimal(10, 3)", "e": "varchar"}
    execution = dune.store_result(rows, types)
    metadata = ask.get(f"/execution/{execution}/status").json()["result_metadata"]
    assert metadata["total_result_set_bytes"] == 10 * (42 + 8 + 8 + 16)
