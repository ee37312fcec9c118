"""The cache: it cannot be wrong, whoever writes, reads, damages or is killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest

from dune_frames import errors
from dune_frames._download.cache import cache_size, clear_cache, trim
from dune_frames.local import LocalDune

ROWS = 20_000


@pytest.fixture(scope="module")
def local():
    with LocalDune(page_rows=1000) as server:
        yield server


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DUNE_FRAMES_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def execution_id(local):
    numbers = np.arange(ROWS)
    table = pa.table(
        {"n": numbers, "half": numbers / 2, "name": [f"row {number}" for number in numbers]}
    )
    return local.store_result(table)


def test_the_second_read_downloads_nothing(local, cache, execution_id):
    """What was read once is not exported again, whatever frame is wanted."""
    client = local.client()
    first = client.read_execution(execution_id)
    assert not first.attrs["dune"]["from_cache"]
    local.clear_requests()
    for frame in ("pandas", "polars", "pyarrow"):
        assert len(client.read_execution(execution_id, frame=frame)) == ROWS
    second = client.read_execution(execution_id)
    assert second.equals(first)
    assert second.attrs["dune"]["from_cache"]
    assert local.requests == ()


@pytest.mark.parametrize(
    "part",
    [
        {"columns": ["name"]},
        {"columns": ["half", "n"]},
        {"limit": 10},
        {"offset": ROWS - 5},
        {"offset": 1500, "limit": 2000, "columns": ["n"]},
        {"limit": 0},
    ],
)
def test_a_cached_whole_answers_its_parts(local, cache, execution_id, part):
    """Parts of a cached whole need no request and equal the server's."""
    client = local.client()
    client.read_execution(execution_id)
    local.clear_requests()
    from_cache = client.read_execution(execution_id, frame="pyarrow", **part)
    assert local.requests == ()
    assert from_cache.equals(
        client.read_execution(execution_id, frame="pyarrow", cache=False, **part)
    )


def test_a_part_is_completed_not_repeated(local, cache, execution_id):
    """Reading more of an execution exports only the rows that are not cached yet."""
    client = local.client()
    client.read_execution(execution_id, limit=3000)
    client.read_execution(execution_id, offset=7000, limit=2500)
    local.clear_requests()
    whole = client.read_execution(execution_id)
    assert whole["n"].tolist() == list(range(ROWS))
    assert sum(each.rows for each in local.requests) == ROWS - 5500


def test_other_options_are_other_entries(local, cache, execution_id):
    """What was read filtered, sorted or typed otherwise never answers another wish."""
    client = local.client()
    few = client.read_execution(execution_id, filters="n < 10")
    assert len(few) == 10
    backwards = client.read_execution(execution_id, sort_by="n desc", limit=5)
    assert backwards["n"].tolist() == [ROWS - 1 - place for place in range(5)]
    as_text = client.read_execution(execution_id, schema_overrides={"n": pa.string()}, limit=5)
    assert as_text["n"].tolist() == ["0", "1", "2", "3", "4"]
    assert client.read_execution(execution_id, limit=5)["n"].tolist() == [0, 1, 2, 3, 4]


def test_cache_false_leaves_no_trace(local, cache, execution_id):
    """`cache=False` neither reads nor writes the cache."""
    local.client().read_execution(execution_id, cache=False)
    assert not list(cache.rglob("*"))


def _flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return (
        content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    )


DAMAGES = {
    "cut": lambda content, chance: content[: chance.randrange(len(content))],
    "other": lambda _content, _chance: b"neither arrow nor json",
    "flipped": _flip,
    "gone": None,
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("kind", ["*.arrow", "status.json", "runs/*"])
def test_damage_is_mended_silently(local, cache, execution_id, damage, kind):
    """A damaged or missing entry, be it by one bit, is fetched again, and the frame is whole."""
    client = local.client()
    expected = client.read_execution(execution_id)
    chance = random.Random(5)
    for _ in range(10):
        files = sorted(path for path in cache.glob(f"v1/**/{kind}") if path.is_file())
        assert files
        for path in files:
            if DAMAGES[damage] is None:
                path.unlink()
            else:
                path.write_bytes(DAMAGES[damage](path.read_bytes(), chance))
        assert client.read_execution(execution_id).equals(expected)


def test_the_least_recently_used_goes_first(cache, monkeypatch):
    """The cache is held to its size; what was used last stays longest."""
    with LocalDune() as local:
        client = local.client()
        ids = [
            local.store_result(pa.table({"n": np.random.default_rng(seed).random(20_000)}))
            for seed in range(3)
        ]
        for age, execution_id in zip((30, 20, 10), ids, strict=True):
            client.read_execution(execution_id)
            (folder,) = cache.glob(f"v1/*/executions/{execution_id}")
            used = time.time() - age
            os.utime(folder, (used, used))
        client.read_execution(ids[0])
        monkeypatch.setenv("DUNE_FRAMES_CACHE_MB", "0.4")
        trim()
        left = {path.name for path in cache.glob("v1/*/executions/*")}
        assert left == {ids[0], ids[2]}
        clear_cache()
        assert cache_size() == 0


@pytest.mark.parametrize("wrong", ["lots", "-1", "nan"])
def test_a_size_that_is_none_is_refused_before_anything_is_sent(local, cache, monkeypatch, wrong):
    """A setting that cannot be meant costs no run and no export."""
    monkeypatch.setenv("DUNE_FRAMES_CACHE_MB", wrong)
    local.clear_requests()
    with pytest.raises(errors.ConfigurationError, match="DUNE_FRAMES_CACHE_MB"):
        local.client().read_sql("SELECT 1 AS n")
    assert local.requests == ()


def test_files_are_private(local, cache, execution_id):
    """No other user can look into the cache."""
    local.client().read_execution(execution_id)
    (folder,) = cache.glob(f"v1/*/executions/{execution_id}/*/")
    assert folder.stat().st_mode & 0o077 == 0


READER = """
import sys
from dune_frames import Dune
frame = Dune("key", base_url=sys.argv[1]).read_execution(sys.argv[2], frame="pyarrow")
assert frame["n"].to_pylist() == list(range(int(sys.argv[3])))
print("whole")
"""


def _reader(local, execution_id):
    return subprocess.Popen(
        [sys.executable, "-c", READER, local.url, execution_id, str(ROWS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_that_write_at_once_never_show_a_broken_file(local, cache, execution_id):
    """Two writers of the same entry and a reader beside them all see the whole result."""
    readers = [_reader(local, execution_id) for _ in range(3)]
    for reader in readers:
        out, problem = reader.communicate(timeout=60)
        assert out.strip() == "whole", problem


def test_a_killed_writer_leaves_a_readable_cache(cache):
    """Whenever the writer is killed, what it leaves is read, completed and right."""
    chance = random.Random(11)
    with LocalDune(page_rows=500, latency=0.005) as local:
        numbers = np.arange(ROWS)
        execution_id = local.store_result(pa.table({"n": numbers}))
        for _ in range(6):
            victim = _reader(local, execution_id)
            time.sleep(0.5 + chance.random())
            victim.send_signal(signal.SIGKILL)
            victim.communicate()
            survivor = local.client().read_execution(execution_id, frame="pyarrow", limit=ROWS // 2)
            assert survivor["n"].to_pylist() == list(range(ROWS // 2))
        whole = local.client().read_execution(execution_id, frame="pyarrow")
        assert whole["n"].to_pylist() == list(range(ROWS))
