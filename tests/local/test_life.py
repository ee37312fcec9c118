"""Life: a server starts at once, several live side by side, and closing leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
import requests

from dune_frames.local import LocalDune, Quirks


def test_it_starts_and_stops_at_once():
    """Starting stays far below a second, closing too."""
    began = time.monotonic()
    for _ in range(5):
        with LocalDune() as dune:
            assert requests.post(
                f"{dune.url}/api/v1/usage", headers={"X-Dune-Api-Key": "k"}, timeout=5
            ).ok
    assert (time.monotonic() - began) / 5 < 0.5


def test_servers_do_not_share_anything():
    """Queries, results and faults belong to one server."""
    with LocalDune() as one, LocalDune() as other:
        assert one.url != other.url
        execution = one.store_result([(1,)], {"x": "bigint"})
        answer = requests.get(
            f"{other.url}/api/v1/execution/{execution}/status",
            headers={"X-Dune-Api-Key": "k"},
            timeout=5,
        )
        assert answer.status_code == 404


def test_data_can_be_put_in_before_the_start():
    """store_result, register and save_query need no running server."""
    dune = LocalDune()
    execution = dune.store_result([(1,)], {"x": "bigint"})
    with pytest.raises(RuntimeError, match="not started"):
        _ = dune.url
    with dune:
        answer = requests.get(
            f"{dune.url}/api/v1/execution/{execution}/results",
            headers={"X-Dune-Api-Key": "k"},
            timeout=5,
        )
    assert answer.json()["result"]["rows"] == [{"x": 1}]


def test_closing_twice_and_without_a_start_is_fine():
    """close() can be called at any time; nothing of ours runs on."""
    before = {thread.name for thread in threading.enumerate()}
    dune = LocalDune().start()
    assert dune.start() is dune
    dune.close()
    dune.close()
    LocalDune().close()
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if name.startswith("dune-frames")]


@pytest.mark.parametrize(
    "settings",
    [{"page_rows": 0}, {"latency": -1}, {"max_datapoints": 0}, {"execution_timeout": -0.1}],
)
def test_settings_that_cannot_be_meant_are_an_error(settings):
    """The error names the setting."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        LocalDune(**settings)


def test_latency_is_waited_before_each_answer(serve):
    """Every answer takes at least so long."""
    ask = serve(latency=0.1)
    began = time.monotonic()
    ask.post("/usage")
    assert time.monotonic() - began >= 0.1


def test_the_key_is_not_shown():
    """Settings print without the key."""
    assert "secret" not in repr(LocalDune(api_key="secret", quirks=Quirks()))


def test_a_script_that_ends_without_closing_ends_quietly():
    """No hang, no traceback and no noise of a library at exit."""
    script = """
import requests
from dune_frames.local import LocalDune
dune = LocalDune().start()
headers = {"X-Dune-Api-Key": "k"}
run = requests.post(dune.url + "/api/v1/sql/execute", json={"sql": "SELECT 1 AS x"}, headers=headers, timeout=5).json()
path = f"{dune.url}/api/v1/execution/{run['execution_id']}/results"
while "result" not in (answer := requests.get(path, headers=headers, timeout=5).json()):
    pass
print(answer["result"]["rows"])
"""
    for ending in ("", "dune.close()\n"):
        ended = subprocess.run(
            [sys.executable, "-c", script + ending],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, "[{'x': 1}]\n", "")


def test_concurrent_clients_are_answered(serve):
    """Threads ask side by side, and each gets its own rows."""
    ask = serve()
    failures = []

    def work(number):
        own = type(ask)(ask.dune)
        answers = [own.rows(f"SELECT {number} AS x") for _ in range(5)]
        failures.extend(rows for rows in answers if rows != [[number]])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
