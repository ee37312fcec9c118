"""Refusals: HTTP errors in Dune's own words."""

from __future__ import annotations

import json

import pytest
import requests


def test_a_missing_key_is_401_before_anything_else(dune, examples):
    """Also for an execution id that is none; any other key is taken when none is set."""
    recorded = json.loads((examples / "error_401_bad_key.json").read_text())
    for path in ("/execution/x/status", "/query/1/results", "/sql/execute"):
        method = "POST" if path.startswith("/sql") else "GET"
        answer = requests.request(method, f"{dune.url}/api/v1{path}", timeout=5)
        assert (answer.status_code, answer.json()) == (401, recorded)


def test_a_key_can_be_set_and_sent_in_either_way(serve):
    """Header in any case, or query parameter; a wrong one is 401."""
    ask = serve(api_key="right")
    url = f"{ask.dune.url}/api/v1/usage"
    assert requests.post(url, headers={"x-dune-API-key": "right"}, timeout=5).status_code == 200
    assert requests.post(url, params={"api_key": "right"}, timeout=5).status_code == 200
    assert requests.post(url, headers={"X-Dune-Api-Key": "wrong"}, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "status"), ("GET", "results"), ("GET", "results/csv"), ("POST", "cancel")],
)
def test_an_execution_id_that_is_none_is_refused_in_the_recorded_words(ask, examples, method, path):
    """The text names the id; an id of the right shape that was never given is 404."""
    recorded = json.loads((examples / "error_400_bad_execution_id.json").read_text())
    answer = ask.send(method, f"/execution/Wonky Job ID/{path}")
    assert (answer.status_code, answer.json()) == (400, recorded)
    assert answer.headers["content-type"].startswith("application/json")
    unknown = ask.send(method, f"/execution/01HKZJ2683PHF9Q9PHHQ8FW4Q1/{path}")
    assert unknown.status_code == 404
    assert isinstance(unknown.json()["error"], str)


def test_recorded_texts_of_400_and_404(dune, ask, examples):
    """Unknown parameters, tiers and queries are refused in the recorded words."""
    dune.save_query(70, "SELECT '{{chain}}'", {"chain": ["ethereum"]})
    cases = {
        "error_400_unknown_param.json": ask.post("/query/70/execute", query_parameters={"x": "1"}),
        "error_400_bad_enum_value.json": ask.post(
            "/query/70/execute", query_parameters={"chain": "fantom"}
        ),
        "error_404_query_not_found.json": ask.post("/query/999999999/execute"),
        "error_404_no_execution.json": ask.get("/query/70/results"),
        "error_400_invalid_tier.json": ask.post("/query/70/execute", performance="gigantic"),
        "error_500.json": ask.post("/query/9999999999999/execute"),
    }
    for name, answer in cases.items():
        assert answer.json() == json.loads((examples / name).read_text()), name
        assert str(answer.status_code) in name


def test_tiers_are_those_of_the_plan(serve):
    """A plan without `medium` refuses it everywhere; leaving it out always works."""
    ask = serve(tiers=("small",))
    ask.dune.save_query(1, "SELECT 1")
    for path, body in (
        ("/sql/execute", {"sql": "SELECT 1"}),
        ("/query/1/execute", {}),
        ("/query/1/pipeline/execute", {}),
    ):
        assert ask.post(path, **body, performance="medium").status_code == 400
        assert ask.post(path, **body, performance="small").status_code == 200
        assert ask.post(path, **body).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"x"',
        b"{}",
        b'{"sql": ""}',
        b'{"sql": 1}',
        b'{"sql": "SELECT 1", "query_parameters": 5}',
        b"\xff",
    ],
)
def test_a_body_that_is_no_request_is_400(ask, body):
    """Malformed JSON and missing SQL are refused, not executed."""
    answer = ask.send("POST", "/sql/execute", data=body)
    assert answer.status_code == 400
    assert isinstance(answer.json()["error"], str)


def test_half_a_surrogate_pair_is_no_crash(ask):
    """What JSON can say and no text can hold is replaced, in SQL as in a refused value."""
    body = b"{\"sql\": \"SELECT '\\ud800' AS x, '\\ud83d\\ude00' AS y\"}"
    started = ask.send("POST", "/sql/execute", data=body).json()
    ask.finished(started["execution_id"])
    answer = ask.get(f"/execution/{started['execution_id']}/results").json()
    assert answer["result"]["rows"] == [{"x": "\ufffd", "y": "😀"}]
    refused = ask.send("POST", "/usage", data=b'{"start_date": "\\ud800"}')
    assert (refused.status_code, refused.json()) == (400, {"error": "invalid start_date: \ufffd"})


def test_deep_json_and_odd_windows_are_400(ask, dune):
    """Nesting without end, a line end in a column list, dates that are none: refused, no crash."""
    execution = dune.store_result([(1,)], {"x": "bigint"})
    deep = ask.send("POST", "/sql/execute", data=b"[" * 200_000)
    columns = ask.get(f"/execution/{execution}/results", columns="x\rx")
    dates = ask.post("/usage", start_date=[1])
    for answer in (deep, columns, dates):
        assert answer.status_code == 400
        assert isinstance(answer.json()["error"], str)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/query", 403), ("PATCH", "/query/1", 403), ("POST", "/query/1/archive", 403),
        ("GET", "/queries", 400), ("POST", "/uploads", 404), ("GET", "/datasets", 403),
        ("DELETE", "/uploads/a/b", 404), ("PUT", "/query", 405),
    ],
)  # fmt: skip
def test_what_is_not_served_is_refused_as_dune_refuses(ask, method, path, status):
    """Endpoints that Dune has and this server has not: a status that its document lists, and what is there."""
    answer = ask.send(method, path, json={})
    assert answer.status_code == status
    said = answer.json()["error"]
    assert status == 405 or (f"{method} {path}" in said and "runs queries" in said)


def test_a_trailing_slash_is_moved_permanently_with_html(ask, dune, examples):
    """301 for GET, 307 for POST, a body of HTML, and a place on the same host."""
    execution = dune.store_result([(1,)], {"x": "bigint"})
    answer = ask.send(
        "GET", f"/execution/{execution}/results/", params={"limit": 1}, allow_redirects=False
    )
    assert answer.status_code == 301
    assert answer.headers["location"] == f"/api/v1/execution/{execution}/results?limit=1"
    recorded = (examples / "redirect_trailing_slash.html").read_text()
    assert recorded.split('"')[0] == answer.text.split('"')[0]
    assert recorded.rsplit('"')[-1].strip() == answer.text.rsplit('"')[-1].strip()
    assert ask.send("POST", "/usage/", allow_redirects=False).status_code == 307
    assert ask.send("GET", f"/execution/{execution}/results/").json()["result"]["rows"] == [
        {"x": 1}
    ]


def test_other_methods_and_paths_are_refused_as_json(ask):
    """405 for a known path, 404 for any other."""
    for method, path, status in (
        ("GET", "/usage", 405),
        ("GET", "/sql/execute", 405),
        ("GET", "/nowhere", 404),
        ("POST", "/uploads", 404),
    ):
        answer = ask.send(method, path)
        assert answer.status_code == status
        assert isinstance(answer.json()["error"], str)


def test_usage_is_a_billing_period(ask):
    """POST /usage has the documented keys, and what ran costs something."""
    ask.run("SELECT 1")
    usage = ask.post("/usage").json()
    assert usage.keys() == {
        "private_queries",
        "private_dashboards",
        "bytes_used",
        "bytes_allowed",
        "billing_periods",
    }
    (period,) = usage["billing_periods"]
    assert period.keys() == {"start_date", "end_date", "credits_used", "credits_included"}
