"""Secrets: the key goes into one header, to one address, and shows nowhere else."""

from __future__ import annotations

import _thread
import io
import logging
import os
import pickle
import subprocess
import sys
import threading
import traceback
from contextlib import closing, suppress
from pathlib import Path

import polars as pl
import pytest
from raw_server import RawServer, http, reset

import dune_frames as dune
from dune_frames import errors
from dune_frames._network import exchange
from dune_frames._network.key import Key
from dune_frames.local import LocalDune

KEY, OTHER_KEY = "kA9xQ2mZ7pL4vB1nT8rW5yC3", "Ka9Xq2Mz7Pl4Vb1Nt8Rw5Yc3"
PACKAGE = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(exchange, "PAUSES", (0.005,) * len(exchange.PAUSES))


@pytest.fixture(scope="module")
def local():
    with LocalDune(api_key=KEY, page_rows=4) as server:
        server.save_query(7, "SELECT 1 AS one")
        server.stored = server.store_result(pl.DataFrame({"n": range(10)}), query_id=8)
        yield server


def test_the_key_is_in_the_header_of_every_request_and_nowhere_else(local):
    """Neither address nor body of any request holds it."""
    local.clear_requests()
    with closing(local.client()) as client:
        client.read_query(7, max_age=0, cache=False)
        client.read_query(8, cache=False)
        client.read_execution(local.stored, format="csv", cache=False)
        client.execute_sql("SELECT 1").cancel()
    assert len({request.endpoint for request in local.requests}) == 7
    assert all(request.key_sent for request in local.requests)
    assert KEY not in repr(local.requests)


def test_no_repr_holds_the_key(local):
    """Whatever a notebook shows of a client and what it makes."""
    with closing(local.client()) as client:
        execution = client.execution(local.stored)
        shown = [client, execution, client._calls, client._calls.transport]
        shown += [client.read_query(8, cache=False), client.execution(local.stored).status()]
        assert not any(KEY in repr(each) or KEY in str(each) for each in shown)
        assert KEY not in repr(vars(client)) + repr(vars(execution))
        assert KEY not in repr(vars(client._calls.transport._key))


def test_keys_are_compared_without_being_shown():
    """Equal keys are equal, so that a client can be found by its key."""
    assert Key(KEY) == Key(f" {KEY}\n")
    assert hash(Key(KEY)) == hash(Key(KEY))
    assert Key(KEY) != Key("another")
    assert Key(KEY).account != Key("another").account
    assert KEY not in Key(KEY).account


# Tracebacks


def everything_about(problem):
    """Return a traceback as the most talkative tools print it: all links, all local variables."""
    told = io.StringIO()
    links, link = [], problem
    while link is not None:
        links.append(link)
        link = link.__cause__ or link.__context__
    for each in links:
        shown = traceback.TracebackException.from_exception(each, capture_locals=True)
        told.write("".join(shown.format()))
        told.write(repr(each) + repr(vars(each)) + repr(each.args))
    return told.getvalue()


FAILING = {
    "reset": lambda connection, _: reset(connection),
    "garbage": lambda connection, _: connection.sendall(http(body=b"<html>")),
    "error that repeats the request": lambda connection, request: connection.sendall(
        http("500 No", b'{"error": "%s"}' % request.replace(b"\r\n", b" ").replace(b'"', b""))
    ),
    "refusal that repeats the key": lambda connection, _: connection.sendall(
        http("401 Unauthorized", b'{"error": "invalid API Key: %s"}' % KEY.encode())
    ),
    "redirect that repeats the key": lambda connection, _: connection.sendall(
        http("302 Found", b"", Location=f"https://evil.example/?api_key={KEY}")
    ),
    "no HTTP": lambda connection, request: connection.sendall(request),
    "cut": lambda connection, _: connection.sendall(http(body=b"{", Content_Length="9")),
}


@pytest.mark.parametrize("name", FAILING)
def test_no_traceback_holds_the_key(name):
    """No message, no attribute, no link of the chain, no local variable of any frame."""

    def script(connection, request):
        FAILING[name](connection, request)
        connection.close()

    with RawServer(script) as server:
        client = dune.Dune(KEY, base_url=server.url)
        with closing(client):
            for call in (
                lambda: client.read_sql("SELECT 1"),
                lambda: client.read_execution("01ABC", timeout=5),
                lambda: client.execution("01ABC").cancel(),
            ):
                with pytest.raises(errors.DuneError) as caught:
                    call()
                assert KEY not in everything_about(caught.value)
                assert KEY.encode() not in pickle.dumps(caught.value)


@pytest.mark.parametrize("base_url", ["https://127.0.0.1:9", "http://127.0.0.1:9"])
def test_no_traceback_of_a_connection_never_made_holds_the_key(base_url, monkeypatch):
    """The same when nobody listens."""
    monkeypatch.setenv("NO_PROXY", "*")
    client = dune.Dune(KEY, base_url=base_url)
    with closing(client), pytest.raises(errors.TransportError) as caught:
        client.read_sql("SELECT 1")
    assert KEY not in everything_about(caught.value)


def test_no_traceback_of_an_interrupt_holds_the_key():
    """Ctrl-C passes through the frames of the network library, with all their variables."""
    with RawServer(lambda *_: server.closing.wait(10)) as server:
        client = dune.Dune(KEY, base_url=server.url)
        threading.Timer(0.3, _thread.interrupt_main).start()
        with closing(client), pytest.raises(KeyboardInterrupt) as caught:
            client.execution("01ABC").status()
        told = everything_about(caught.value)
    assert "urllib3" in told
    assert KEY not in told


def test_rich_shows_no_key():
    """The traceback of rich, which prints variables, is as silent."""
    console = pytest.importorskip("rich.console")
    rich_traceback = pytest.importorskip("rich.traceback")
    told = io.StringIO()
    with closing(dune.Dune(KEY, base_url="http://127.0.0.1:9")) as client:
        try:
            client.read_sql("SELECT 1")
        except errors.TransportError as problem:
            shown = rich_traceback.Traceback.from_exception(
                type(problem), problem, problem.__traceback__, show_locals=True
            )
            console.Console(file=told, width=200).print(shown)
    assert "TransportError" in told.getvalue()
    assert KEY not in told.getvalue()


# Settings


FLAWED = ["", "  ", "YOUR_API_KEY", "DUNE_API_KEY", "<your key>", "${KEY}", "{{key}}"]


@pytest.mark.parametrize("key", [*FLAWED, f"{KEY} {KEY}", f"{KEY}\n{KEY}", f"{KEY}é"])
def test_a_key_that_is_none_is_refused_before_anything_is_sent(key):
    """A placeholder, or what is no key, is named without being shown."""
    with pytest.raises(errors.ConfigurationError) as caught:
        dune.Dune(key)
    assert "DUNE_API_KEY" in str(caught.value).splitlines()[-1]
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename != __file__]
    assert ours
    assert not any(KEY in repr(frame.locals) for frame in ours)


def test_the_key_and_address_of_the_environment_are_used(local, monkeypatch):
    """The variables are those of the official SDK; a changed one gives another client."""
    monkeypatch.setenv("DUNE_API_KEY", KEY)
    monkeypatch.setenv("DUNE_API_BASE_URL", local.url)
    assert dune.read_dune_sql("SELECT 1 AS one")["one"].tolist() == [1]
    monkeypatch.setenv("DUNE_API_KEY", OTHER_KEY)
    with pytest.raises(errors.AuthenticationError, match="invalid API Key") as caught:
        dune.read_dune_sql("SELECT 1 AS one")
    assert OTHER_KEY not in everything_about(caught.value)


def test_no_traceback_of_a_flawed_environment_holds_the_key(monkeypatch):
    """The default client is made from the environment, and its key is in no variable either."""
    monkeypatch.setenv("DUNE_API_KEY", KEY)
    monkeypatch.setenv("DUNE_API_BASE_URL", "http://api.dune.com")
    with pytest.raises(errors.ConfigurationError) as caught:
        dune.read_dune_sql("SELECT 1")
    assert KEY not in everything_about(caught.value)


GOOD = {
    "https://api.dune.com": "https://api.dune.com",
    "https://api.dune.com/": "https://api.dune.com",
    "https://api.dune.com/api/v1": "https://api.dune.com",
    "https://api.dune.com/api/v1/": "https://api.dune.com",
    "https://gateway.example/dune": "https://gateway.example/dune",
    "http://localhost:8000": "http://localhost:8000",
    "http://127.0.0.1:8000": "http://127.0.0.1:8000",
    "http://127.8.9.10": "http://127.8.9.10",
    "http://[::1]:8000": "http://[::1]:8000",
}


@pytest.mark.parametrize("base_url", GOOD)
def test_a_usable_address_is_taken(base_url):
    """With or without the version path that other clients want in it."""
    assert GOOD[base_url] in repr(dune.Dune(KEY, base_url=base_url))


BAD = [
    "http://api.dune.com", "http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.nip.io",
    "http://0.0.0.0", "http://localhost@evil.example", "http://2130706433", "ftp://api.dune.com",
    "api.dune.com", "//api.dune.com", "https://", "https://user:word@api.dune.com",
    "https://:word@api.dune.com", f"https://api.dune.com?api_key={KEY}", "https://api.dune.com#x",
    "https://api.dune.com:port", "https://api.dune.com:99999", "https://evil\\@api.dune.com",
    "https://api.dune.com\r\nHost: evil", "https://[::1", "https://a b",
]  # fmt: skip


@pytest.mark.parametrize("base_url", BAD)
def test_an_unsafe_address_is_refused(base_url):
    """Plain http to other machines, credentials, queries, and whatever is no clear address."""
    with pytest.raises(errors.ConfigurationError) as caught:
        dune.Dune(KEY, base_url=base_url)
    assert KEY not in str(caught.value)
    assert str(caught.value).splitlines()[-1].startswith("What to do: ")


def test_another_account_is_told_apart_by_a_digest(local):
    """What the cache is filed under does not lead back to the key."""
    with closing(local.client()) as client:
        account = client._calls.transport.account
    assert account
    assert account not in KEY
    assert KEY not in account


def test_a_client_travels_with_its_key_and_stays_silent(local):
    """A pickled client works elsewhere; its bytes are as secret as the key."""
    with closing(local.client()) as client:
        other = pickle.loads(pickle.dumps(client))  # noqa: S301 - our own bytes
    with closing(other):
        assert other.read_sql("SELECT 1 AS one")["one"].tolist() == [1]
        assert KEY not in repr(other)


# Logs and prints


def test_no_log_holds_the_key(local, caplog):
    """At DEBUG, with the loggers of the network library too, in success and failure."""
    caplog.set_level(logging.DEBUG)
    with closing(local.client()) as client:
        client.read_query(7, max_age=0, cache=False)
        with suppress(errors.DuneError):
            client.read_query(404)
    assert {"dune_frames", "urllib3.connectionpool"} <= {each.name for each in caplog.records}
    assert KEY not in caplog.text
    assert not any(KEY in repr(vars(each)) for each in caplog.records)


def test_the_log_is_useful_at_info(local, caplog):
    """One logger; at INFO it tells which run was started and why."""
    caplog.set_level(logging.INFO, logger="dune_frames")
    with closing(local.client()) as client:
        client.read_query(7, max_age=0, cache=False)
        client.read_query(8, cache=False)
    ours = [each for each in caplog.records if each.name.startswith("dune_frames")]
    assert {each.name for each in ours} == {"dune_frames"}
    text = "\n".join(each.getMessage() for each in ours)
    assert "started" in text
    assert "is taken" in text


def test_nothing_is_printed(local):
    """In a program that configures no logging, success and failure are silent alike."""
    program = (
        "import sys\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import dune_frames as dune\n"
        "client = dune.Dune(base_url=sys.argv[1])\n"
        "with ThreadPoolExecutor(40) as pool:\n"
        "    list(pool.map(lambda _: client.read_query(8, frame='polars'), range(80)))\n"
        "import logging; logging.getLogger('dune_frames').warning('not to be seen')\n"
        "try: client.read_query(404)\n"
        "except dune.DuneError: pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, local.url],
        capture_output=True,
        check=True,
        cwd=PACKAGE,
        env=os.environ | {"DUNE_API_KEY": KEY},
    )
    assert (done.stdout, done.stderr) == (b"", b"")
