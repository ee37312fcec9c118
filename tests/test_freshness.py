"""Which run is taken: the stored one, the one under way, the known one, or a new one."""

from __future__ import annotations

import logging
from datetime import timedelta

import pyarrow as pa
import pytest

from dune_frames import errors
from dune_frames._download.plan import Page
from dune_frames._download.store import PageStore
from dune_frames.local import LocalDune

QUERY = 42
OLD = timedelta(hours=2)
YOUNG = timedelta(minutes=5)


@pytest.fixture(scope="module")
def local():
    with LocalDune() as server:
        yield server


@pytest.fixture(scope="module")
def slow():
    """A server whose runs last long enough to be found under way."""
    with LocalDune(execution_seconds=0.3) as server:
        yield server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Give each test a cache of its own."""
    monkeypatch.setenv("DUNE_FRAMES_CACHE_DIR", str(tmp_path))
    return tmp_path


def _store_run(local, query_id, state="QUERY_STATE_COMPLETED", age=YOUNG, rows=3):
    """Store a run of a query that ended some time ago; return its execution id."""
    return local.store_result(
        pa.table({"n": pa.array(range(rows), pa.int64())}),
        query_id=query_id,
        state=state,
        age=age.total_seconds(),
    )


#: stored × max_age → what happens: "stored" is taken, the run under way is "joined", a "new" one is
#: started, or the exception.
DECISIONS = [
    ("none", None, "new"),
    ("none", 0, "new"),
    ("none", "1h", "new"),
    ("old", None, "stored"),
    ("old", 0, "new"),
    ("old", "1h", "new"),
    ("young", None, "stored"),
    ("young", 0, "new"),
    ("young", "1h", "stored"),
    ("running", None, "joined"),
    ("running", 0, "new"),
    ("running", "1h", "joined"),
    ("failed", None, "new"),
    ("failed", 0, "new"),
    ("failed", "1h", "new"),
    ("cancelled", None, "new"),
    ("cancelled", "1h", "new"),
    ("expired", None, "new"),
    ("expired", 0, "new"),
    ("expired", "1h", "new"),
    ("partial", None, errors.PartialResultError),
    ("partial", 0, "new"),
    ("partial", "1h", errors.PartialResultError),
]
STATES = {
    "old": ("QUERY_STATE_COMPLETED", OLD),
    "young": ("QUERY_STATE_COMPLETED", YOUNG),
    "failed": ("QUERY_STATE_FAILED", YOUNG),
    "cancelled": ("QUERY_STATE_CANCELLED", YOUNG),
    "expired": ("QUERY_STATE_EXPIRED", OLD),
    "partial": ("QUERY_STATE_COMPLETED_PARTIAL", YOUNG),
}
_ids = iter(range(1000, 100_000))


@pytest.fixture(params=["empty", "hit", "damaged"])
def cache_state(request):
    return request.param


@pytest.mark.parametrize(("stored", "max_age", "outcome"), DECISIONS)
def test_decision_table(local, slow, cache, cache_state, stored, max_age, outcome):
    """Stored result × max_age × cache decides what is taken; a damaged cache changes no answer."""
    query_id, local = next(_ids), slow if stored == "running" else local
    local.save_query(query_id, "SELECT CAST(7 AS bigint) AS n")
    execution_id = None
    if stored in STATES:
        state, age = STATES[stored]
        execution_id = _store_run(local, query_id, state, age)
    client = local.client()
    if stored == "running":
        execution_id = client.execute_query(query_id).execution_id
    if cache_state != "empty" and stored in ("old", "young"):
        client.read_query(query_id)
    if cache_state == "damaged":
        for path in cache.rglob("*.arrow"):
            path.write_bytes(path.read_bytes()[:40])
    local.clear_requests()
    if not isinstance(outcome, str):
        with pytest.raises(outcome):
            client.read_query(query_id, max_age=max_age)
        assert not _runs(local)
        return
    frame = client.read_query(query_id, max_age=max_age)
    assert len(_runs(local)) == (outcome == "new")
    assert frame["n"].tolist() == ([0, 1, 2] if outcome == "stored" else [7])
    assert (frame.attrs["dune"]["execution_id"] == execution_id) == (outcome != "new")
    if outcome == "stored":
        exported = sum(each.rows for each in local.requests)
        assert exported <= {"empty": 3, "hit": 1, "damaged": 4}[cache_state]


def _runs(local):
    return [each for each in local.requests if each.endpoint in ("execute_query", "execute_sql")]


def test_a_young_known_result_needs_no_request(local, cache):
    """`max_age` acts on this machine's side too: a known young result is taken without asking."""
    query_id = next(_ids)
    local.save_query(query_id, "SELECT 1 AS n")
    _store_run(local, query_id)
    client = local.client()
    first = client.read_query(query_id, max_age="1h")
    local.clear_requests()
    assert client.read_query(query_id, max_age="1h").equals(first)
    assert local.requests == ()


def test_a_newer_execution_is_noticed(local, cache):
    """Without `max_age` the server is asked: a newer run is seen although an old is cached."""
    query_id = next(_ids)
    local.save_query(query_id, "SELECT 1 AS n")
    client = local.client()
    _store_run(local, query_id, rows=3)
    assert len(client.read_query(query_id)) == 3
    _store_run(local, query_id, rows=5, age=timedelta(0))
    assert len(client.read_query(query_id)) == 5


def test_a_run_under_way_is_joined(cache):
    """A query that is being run is waited for instead of run a second time."""
    with LocalDune(execution_seconds=0.6) as local:
        local.save_query(QUERY, "SELECT 9 AS n")
        client = local.client()
        handle = client.execute_query(QUERY)
        frame = client.read_query(QUERY)
        assert frame["n"].tolist() == [9]
        assert frame.attrs["dune"]["execution_id"] == handle.execution_id
        assert len(_runs(local)) == 1


def test_sql_is_run_again_unless_asked_otherwise(local, cache):
    """SQL always executes without `max_age`; with it, an earlier young run is reused."""
    client = local.client()
    sql = "SELECT 11 AS n"
    first = client.read_sql(sql)
    local.clear_requests()
    assert client.read_sql(sql, max_age="1h").equals(first)
    assert local.requests == ()
    client.read_sql(sql, max_age=0)
    client.read_sql(sql)
    assert len(_runs(local)) == 2
    client.read_sql(sql + " ", {}, max_age="1h")
    assert len(_runs(local)) == 3


def test_another_account_shares_nothing(local, cache):
    """What one key has read is not given to another."""
    from dune_frames import Dune

    sql = "SELECT 12 AS n"
    Dune("one-key", base_url=local.url).read_sql(sql)
    local.clear_requests()
    Dune("other-key", base_url=local.url).read_sql(sql, max_age="1h")
    assert len(_runs(local)) == 1


def test_the_key_is_nowhere_in_the_cache(local, cache):
    """Neither a file's name nor its content shows the API key."""
    from dune_frames import Dune

    Dune("very-secret-key", base_url=local.url).read_sql("SELECT 13 AS n")
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert files
    assert not any("secret" in str(path) or b"very-secret" in path.read_bytes() for path in files)


def test_offline_answers_from_the_cache_alone(local, cache):
    """`offline=True` sends nothing: it gives what is cached, or names what is missing."""
    query_id = next(_ids)
    local.save_query(query_id, "SELECT 1 AS n")
    execution_id = _store_run(local, query_id)
    client = local.client()
    for read in (
        lambda: client.read_query(query_id, offline=True),
        lambda: client.read_execution(execution_id, offline=True),
        lambda: client.read_sql("SELECT 14 AS n", offline=True),
    ):
        local.clear_requests()
        with pytest.raises(errors.OfflineError):
            read()
        assert local.requests == ()
    online = client.read_query(query_id)
    local.clear_requests()
    assert client.read_query(query_id, offline=True).equals(online)
    assert client.read_execution(execution_id, offline=True).equals(online)
    assert local.requests == ()


def test_what_was_decided_is_told_at_info(local, cache, caplog):
    """At INFO one line tells what was decided and why."""
    query_id = next(_ids)
    local.save_query(query_id, "SELECT 1 AS n")
    client = local.client()
    with caplog.at_level(logging.INFO, logger="dune_frames"):
        client.read_query(query_id)
        client.read_query(query_id)
        client.read_query(query_id, max_age="1h")
    text = caplog.text
    assert "no stored result: executing" in text
    assert "is taken" in text
    assert "from the cache" in text


def test_page_store_survives_any_order_of_writers(tmp_path):
    """Pages written twice, or in any order, give the same rows."""
    schema = pa.schema([("n", pa.int64())])
    pages = {0: (0, 10), 10: (10, 20), 20: (20, 25)}
    for start in (20, 0, 10, 0):
        low, high = pages[start]
        page = Page(pa.table({"n": range(low, high)}, schema), high if high < 25 else None, 1)
        PageStore(tmp_path, schema).add(start, [page])
    store = PageStore(tmp_path, schema)
    assert store.covers(0, 25)
    assert store.covers(3, None)
    assert [store.load(start).table["n"].to_pylist()[0] for start in pages] == [0, 10, 20]
