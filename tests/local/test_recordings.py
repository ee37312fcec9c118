"""Recordings: what a script got from one Dune, served again when that one is gone."""

from __future__ import annotations

import json
import subprocess
import threading
from collections import defaultdict
from urllib.parse import quote

import polars as pl
import pytest
import requests
from asking import Asker
from dune_client.client import DuneClient
from dune_client.query import QueryBase
from dune_client.types import QueryParameter
from hypothesis import given
from hypothesis import strategies as st

import dune_frames as dune
from dune_frames.local import Alter, LocalDune, Reset, Status
from dune_frames.local.answers import Answer
from dune_frames.local.call import Call, Sent
from dune_frames.local.recording import Asked, Recording
from dune_frames.local.replayer import Replayer

KEY = 'kA9xQ2mZ/pL4+B1nT8r"5yC3'
SQL = "SELECT x, '{{w}}' AS w, 'https://api.dune.com/' AS next_uri FROM UNNEST(sequence(1, {{n}})) AS t(x)"
PARAMS = {"n": 7, "w": ["a", "b"]}


@pytest.fixture
def real():
    """The Dune that is recorded; its key has what URLs and JSON write in another way."""
    with LocalDune(api_key=KEY, page_rows=3) as running:
        running.save_query(1, SQL, PARAMS)
        running.save_query(2, "SELECT nosuch")
        yield running


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "recordings" / "report"


def script(client):
    """What somebody's program does: runs, latest results, scans, a failure, a cache-less reread."""
    frames = [
        client.read_query(1, {"n": 5}, max_age=0, frame="polars"),
        client.read_query(1, {"n": 9, "w": "b"}, max_age=0, frame="polars", format="csv"),
        client.read_query(1, frame="polars", cache=False),
        client.read_sql("SELECT 'é,' AS text, CAST(NULL AS uint256) AS nothing", frame="polars"),
        client.scan_sql("SELECT * FROM dex.trades ORDER BY block_time LIMIT 40")
        .filter(pl.col("blockchain") == "base")
        .head(5)
        .collect(),
    ]
    with pytest.raises(dune.DuneError, match="nosuch"):
        client.read_query(2, max_age=0)
    pipeline = client.execute_pipeline(1)
    pipeline.wait()
    return [*frames, client.query(1).sql, client.usage().billing_periods[0].credits_included]


def same(one, other):
    return all(
        a.equals(b) if isinstance(a, pl.DataFrame) else a == b
        for a, b in zip(one, other, strict=True)
    )


def test_a_script_gets_offline_what_it_got(real, folder):
    """The same frames and errors come from the folder when the recorded Dune is closed, as often as wanted."""
    with LocalDune.record(real.client(), folder) as recording:
        got = script(recording.client())
        asked = len(recording.requests)
    assert len(real.requests) == asked
    real.close()
    for _ in range(2):
        with LocalDune.replay(folder) as replaying:
            assert same(script(replaying.client()), got)


def sdk_script(sdk):
    query = QueryBase(1, params=[QueryParameter.number_type("n", 7)])
    return (
        sdk.run_query(query, ping_frequency=0.01, batch_size=3).get_rows(),
        sdk.run_query_csv(query, ping_frequency=0.01, batch_size=2).data.read(),
        sdk.get_latest_result(query, batch_size=3).get_rows(),
        sdk.download_csv(query, batch_size=3).data.read(),
    )


def test_the_official_sdk_is_recorded_and_replayed(real, folder, recent_sdk):
    """It follows next_uri through pages in both, so addresses lead to whoever answers."""
    with LocalDune.record(real.client(), folder) as recording:
        got = sdk_script(DuneClient(api_key=recording.key, base_url=recording.url))
        endpoints = [asked.endpoint for asked in recording.requests]
    assert endpoints == [asked.endpoint for asked in real.requests]
    assert len(got[0]) == 7
    real.close()
    with LocalDune.replay(folder) as replaying:
        assert sdk_script(DuneClient(api_key="any", base_url=replaying.url)) == got


def test_no_key_is_in_the_folder(real, folder):
    """Neither the account's nor the proxy's: not in headers, addresses, SQL or answers that repeat it, however written."""
    execution = real.store_result([(1,)], {"x": "bigint"})
    told = json.dumps({"execution_id": "01", "echo": KEY, "url": quote(KEY, safe="")}).encode()
    echoes = Alter(
        body=lambda _: told,
        headers={"x-dune-next-uri": f"{real.url}/?api_key={quote(KEY, safe='')}"},
    )
    real.inject(echoes, endpoint="status")
    real.inject(Status(402, json.dumps({"error": f"{KEY} is out of credits"})), endpoint="usage")
    with LocalDune.record(real.client(), folder) as recording:
        keys = {"header": {"X-Dune-Api-Key": KEY}, "own": {"X-Dune-Api-Key": recording.key}}
        url = f"{recording.url}/api/v1"
        answers = [
            requests.post(
                f"{url}/sql/execute",
                json={"sql": f"SELECT '{KEY}'"},
                headers=keys["header"],
                timeout=5,
            ),
            requests.get(f"{url}/execution/{execution}/status", headers=keys["own"], timeout=5),
            requests.post(f"{url}/usage", params={"api_key": KEY}, timeout=5),
            requests.get(
                f"{url}/query/{quote(KEY, safe='')}",
                params={"x": KEY},
                headers=keys["own"],
                timeout=5,
            ),
        ]
        own = recording.key
    assert [answer.status_code for answer in answers][:3] == [200, 200, 402]
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert len(files) == 6
    for secret in (KEY, own, "kA9xQ2mZ"):
        for written in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            assert not [
                file for file in files if written in file.read_text() or written in file.name
            ]
    assert b"..." in answers[1].content


def test_answers_come_byte_for_byte(real, folder):
    """But for the address of the next page nothing is changed; a column named next_uri is data."""
    execution = real.store_result(
        [("https://api.dune.com/x", n) for n in range(4)], {"next_uri": "varchar", "n": "bigint"}
    )
    asks = [
        (f"/execution/{execution}/results", {"limit": 3}),
        (f"/execution/{execution}/results", {"offset": 3}),
        (f"/execution/{execution}/results/csv", {"limit": 3}),
        ("/query/9/results", {"params.k": ["a", "b"]}),
    ]

    def answers(server):
        ask = Asker(server)
        headers = {"X-Dune-Api-Key": server.key}
        return [ask.send("GET", path, params=params, headers=headers) for path, params in asks]

    told = answers(real)
    with LocalDune.record(real.client(), folder) as recording:
        recorded = [(answers(recording), recording.url)]
    with LocalDune.replay(folder) as replaying:
        recorded.append((answers(replaying), replaying.url))
    for several, url in recorded:
        for answer, true in zip(several, told, strict=True):
            assert answer.content == true.content.replace(real.url.encode(), url.encode())
            assert answer.status_code == true.status_code
            assert answer.headers["content-type"] == true.headers["content-type"]
            uri = true.headers.get("x-dune-next-uri")
            assert answer.headers.get("x-dune-next-uri") == (uri and uri.replace(real.url, url))
    assert real.url not in "".join(file.read_text() for file in folder.iterdir())


@pytest.mark.parametrize("polls", [1, 2, 3, 50])
def test_a_run_may_be_polled_more_or_less_often(folder, polls):
    """States come in their order, each once at least as long as there is a poll for it, and the last one stays."""
    with (
        LocalDune(execution_seconds=0.3, queue_seconds=0.1) as real,
        LocalDune.record(real.client(), folder) as recording,
    ):
        ask = Asker(recording)
        headers = {"X-Dune-Api-Key": recording.key}
        execution = ask.send(
            "POST", "/sql/execute", json={"sql": "SELECT 1"}, headers=headers
        ).json()["execution_id"]
        seen = []
        while not seen or not seen[-1]["is_execution_finished"]:
            seen.append(ask.send("GET", f"/execution/{execution}/status", headers=headers).json())
    states = list(dict.fromkeys(status["state"] for status in seen))
    assert len(states) == 3
    assert len(list(folder.glob("*-status.json"))) < len(seen)
    with LocalDune.replay(folder) as replaying:
        got = [
            Asker(replaying).get(f"/execution/{execution}/status").json()["state"]
            for _ in range(polls)
        ]
    assert got == (states + states[-1:] * polls)[:polls]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=12),
    st.lists(st.sampled_from("abc"), max_size=12),
)
def test_each_request_gets_its_answers_in_turn(tmp_path_factory, recorded, asked):
    """In whatever order requests come: the n-th of a kind gets the n-th different answer, and later ones the last."""
    recording = Recording(tmp_path_factory.mktemp("recording"))
    recording.begin()
    kept = defaultdict(list)
    for name, number in recorded:
        recording.add("usage", Asked.of(Sent("GET", f"/{name}")), Answer(b"%d" % number))
        if kept[name][-1:] != [b"%d" % number]:
            kept[name].append(b"%d" % number)
    replayer = Replayer(Recording(recording.folder))
    turns = defaultdict(int)
    for name in filter(kept.__contains__, asked):
        answer = replayer.answer("usage", Call("http://here", sent=Sent("GET", f"/{name}")))
        assert answer.body == kept[name][min(turns[name], len(kept[name]) - 1)]
        turns[name] += 1


def test_requests_side_by_side_get_their_own_answers(real, folder):
    """Threads that record and replay at once do not mix up their runs."""

    def read(client, out):
        threads = [
            threading.Thread(
                target=lambda n=n: out.__setitem__(
                    n, client.read_query(1, {"n": n}, max_age=0)["x"].sum()
                )
            )
            for n in range(3, 9)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    got, again = {}, {}
    with LocalDune.record(real.client(), folder) as recording:
        read(recording.client(), got)
    with LocalDune.replay(folder) as replaying:
        read(replaying.client(), again)
    assert got == again == {n: n * (n + 1) // 2 for n in range(3, 9)}


def test_what_was_not_recorded_is_named(real, folder):
    """Other parameters, another query, another endpoint: the error names the request, and what there is like it."""
    with LocalDune.record(real.client(), folder) as recording:
        recording.client().read_query(1, {"n": 5}, max_age=0)
    with LocalDune.replay(folder) as replaying:
        client = replaying.client()
        with pytest.raises(dune.DuneError) as other_value:
            client.read_query(1, {"n": 6}, max_age=0)
        with pytest.raises(dune.DuneError) as other_endpoint:
            client.usage()
        with pytest.raises(dune.DuneError) as latest:
            client.read_query(1, {"n": 5})
        assert [asked.status for asked in replaying.requests] == [400, 400, 400]
    said = str(other_value.value)
    assert 'no answer to POST /api/v1/query/1/execute {"query_parameters": {"n": "6"}}' in said
    assert 'It has: POST /api/v1/query/1/execute {"query_parameters": {"n": "5"}}' in said
    assert str(folder) in said
    assert "no answer to POST /api/v1/usage" in str(other_endpoint.value)
    assert "none of this endpoint" in str(other_endpoint.value)
    assert "GET /api/v1/query/1/results?" in str(latest.value)
    assert "params.n=5" in str(latest.value)


def test_what_a_client_overcame_is_not_replayed(real, folder):
    """429 and 5xx are in the folder, and left out where a later answer shows that they passed."""
    real.inject(Status(429), endpoint="execute_sql")
    real.inject(Status(503), endpoint="status")
    real.inject(Status(500, acted=True), endpoint="usage", times=9)
    with LocalDune.record(real.client(), folder) as recording:
        assert recording.client().read_sql("SELECT 1 AS x")["x"].to_list() == [1]
        assert (
            Asker(recording)
            .send("POST", "/usage", headers={"X-Dune-Api-Key": recording.key})
            .status_code
            == 500
        )
    lines = (folder / "recording.jsonl").read_text().splitlines()
    assert {429, 503, 500} <= {json.loads(line)["status"] for line in lines}
    with LocalDune.replay(folder) as replaying:
        assert replaying.client().read_sql("SELECT 1 AS x")["x"].to_list() == [1]
        assert {asked.status for asked in replaying.requests} == {200}
        assert Asker(replaying).post("/usage").status_code == 500


def test_an_answer_that_was_lost_is_502_and_not_kept(real, folder):
    """What never came cannot be replayed, and a run that may have started is not started again."""
    real.inject(Reset(before=False), endpoint="execute_sql")
    with LocalDune.record(real.client(), folder) as recording:
        with pytest.raises(dune.errors.MaybeStartedError):
            recording.client().read_sql("SELECT 1 AS x")
        assert [asked.status for asked in recording.requests] == [502]
    assert (folder / "recording.jsonl").read_text() == ""


def test_a_recording_replaces_the_one_before_and_nothing_else(real, folder):
    """Files that are not of a recording stay; those of the last one go."""
    for sql in ("SELECT 1 AS x", "SELECT 2 AS x"):
        with LocalDune.record(real.client(), folder) as recording:
            recording.client().read_sql(sql)
        (folder / "README.md").write_text("mine")
    with LocalDune.replay(folder) as replaying:
        assert replaying.client().read_sql("SELECT 2 AS x")["x"].to_list() == [2]
        with pytest.raises(dune.DuneError, match="no answer to POST"):
            replaying.client().read_sql("SELECT 1 AS x")
    assert (folder / "README.md").read_text() == "mine"
    assert len(list(folder.glob("*-execute_sql.json"))) == 1


def test_who_may_use_the_account_is_asked_for_a_key(real, folder):
    """A recording Dune passes on only requests with its own key or the account's; a replay spends nothing."""
    with LocalDune.record(real.client(), folder) as recording:
        url = f"{recording.url}/api/v1/usage"
        for key, status in ((recording.key, 200), (KEY, 200), ("local", 401), ("", 401)):
            assert (
                requests.post(url, headers={"X-Dune-Api-Key": key}, timeout=5).status_code == status
            )
    assert len(real.requests) == 2
    with LocalDune.replay(folder) as replaying:
        assert Asker(replaying).post("/usage").status_code == 200
        refused = requests.post(f"{replaying.url}/api/v1/usage", timeout=5)
        assert refused.status_code == 401


def test_a_folder_without_a_recording_is_refused(tmp_path):
    """Nothing is served from what is none, or of which a file is missing."""
    with pytest.raises(FileNotFoundError):
        LocalDune.replay(tmp_path)
    Recording(tmp_path).begin()
    Recording(tmp_path).add("usage", Asked.of(Sent("POST", "/usage")), Answer(b"{}"))
    (tmp_path / "0001-usage.json").unlink()
    with pytest.raises(FileNotFoundError, match="0001-usage"):
        LocalDune.replay(tmp_path)


def test_git_keeps_every_byte(real, folder):
    """A recording survives a checkout that converts line ends."""
    with LocalDune.record(real.client(), folder) as recording:
        recording.client().read_query(1, {"n": 5}, max_age=0, format="csv")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}

    def git(*words):
        options = ["-c", "core.autocrlf=true", "-c", "user.name=n", "-c", "user.email=e@e"]
        subprocess.run(["git", *options, *words], cwd=folder, check=True, capture_output=True)

    git("init")
    git("add", ".")
    git("commit", "-m", "recording")
    for name in before:
        (folder / name).unlink()
    git("checkout", "--", ".")
    assert {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()} == before
