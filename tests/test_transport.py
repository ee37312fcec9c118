"""The network, over real sockets: what was sent, how long it lasts, where it goes."""

from __future__ import annotations

import logging
import pickle
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from math import inf

import pytest
import trustme
from raw_server import RawServer, http, reset

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._network.attempt import Attempt
from dune_frames._network.exchange import LostError
from dune_frames._network.key import Key
from dune_frames._network.transport import Transport
from dune_frames._wire import endpoints

KEY = "kA9xQ2mZ7pL4vB1nT8rW5yC3"
READ = endpoints.execution_status("01ABC")
EXECUTE = endpoints.execute_sql("SELECT 1", None)


def send(base_url, request=READ, seconds=5.0, key=KEY, stopped=None):
    """Send one request over a transport of its own; return the answer and the attempt."""
    attempt = Attempt.lasting(seconds, stopped)
    with closing(Transport(base_url, Key(key))) as transport:
        return transport.send(request, attempt), attempt


def lost(base_url, request=READ, **options):
    """Send one request that gets no answer; return what is said of it."""
    with pytest.raises(LostError) as caught:
        send(base_url, request, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return caught.value


def says(*pieces, pause=0.0):
    """Return a script that sends these pieces."""

    def script(connection, _request):
        for piece in pieces:
            connection.sendall(piece)
            if pause:
                time.sleep(pause)

    return script


def hangs_up(connection, _request):
    """Reset instead of answering."""
    reset(connection)


@pytest.mark.parametrize("request_", [READ, EXECUTE], ids=["read", "execute"])
def test_the_answer_comes_whole_and_the_key_goes_in_its_header(request_):
    """Path, body and key are where the API wants them; the key is nowhere else."""
    with RawServer(says(http(body=b'{"a": 1}'))) as server:
        answer, attempt = send(server.url, request_)
        (sent,) = server.requests
    assert (answer.status_code, answer.body) == (200, b'{"a": 1}')
    assert answer.base_url == server.url
    assert attempt.sent
    head = sent.decode().split("\r\n")
    assert head[0] == f"{request_.method} /api/v1{request_.path} HTTP/1.1"
    assert [line for line in head if KEY in line] == [f"X-Dune-Api-Key: {KEY}"]


def test_a_connection_refused_proves_that_nothing_was_sent():
    """Nobody listens there: the request never left."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = lost(f"http://127.0.0.1:{port}", EXECUTE)
    assert not said.sent
    assert "refused" in str(said)


def test_a_name_that_does_not_exist_proves_that_nothing_was_sent(monkeypatch):
    """No address, no request."""
    monkeypatch.setenv("NO_PROXY", "*")
    assert not lost("https://no-such-host.invalid", EXECUTE).sent


def test_a_server_that_speaks_no_tls_proves_that_nothing_was_sent(monkeypatch):
    """The handshake fails before the request."""
    monkeypatch.setenv("NO_PROXY", "*")

    def greet(connection):
        connection.sendall(b"hello\r\n")
        return connection

    with RawServer(says(http()), wrap=greet) as server:
        assert not lost(server.url.replace("http:", "https:"), EXECUTE).sent


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls(authority, monkeypatch, tmp_path):
    """What wraps a server's connections in TLS; its authority is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    bundle = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(bundle)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("NO_PROXY", "*")
    return lambda plain: context.wrap_socket(plain, server_side=True)


def test_tls_works(tls):
    """The same over TLS, with an authority that the environment names."""
    with RawServer(says(http(body=b'{"a": 1}')), wrap=tls) as server:
        answer, _ = send(server.url.replace("http:", "https:"))
    assert answer.body == b'{"a": 1}'


def test_a_certificate_that_nobody_vouches_for_proves_that_nothing_was_sent(tls, monkeypatch):
    """The key is not shown to a server that cannot prove who it is."""
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with RawServer(says(http()), wrap=tls) as server:
        said = lost(server.url.replace("http:", "https:"), EXECUTE)
        assert server.requests == []
    assert not said.sent
    assert "certificate verify failed" in str(said)


def test_a_tls_connection_that_breaks_after_the_request_proves_nothing(tls):
    """An SSL error is no proof: when it comes after the request, the run may have started."""
    with RawServer(lambda connection, _: reset(connection), wrap=tls) as server:
        assert lost(server.url.replace("http:", "https:"), EXECUTE).sent
    with RawServer(lambda connection, _: connection.unwrap(), wrap=tls) as server:
        assert lost(server.url.replace("http:", "https:"), EXECUTE).sent
    # An end of the stream without TLS's own goodbye is an SSLError for the client.
    with RawServer(lambda c, _: socket.socket(fileno=c.detach()).close(), wrap=tls) as server:
        assert lost(server.url.replace("http:", "https:"), EXECUTE).sent


BROKEN = {
    "reset": hangs_up,
    "closed": lambda connection, _: connection.close(),
    "no HTTP": says(b"220 smtp.example ESMTP\r\n"),
    "cut in the body": says(http(body=b"{}", Content_Length="100")),
    "cut in a chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{}"),
    "no chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n{}"),
    "no gzip": says(http(body=b"plain", Content_Encoding="gzip")),
    "endless header": says(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    "too many headers": says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    "two lengths": says(http(body=b"{}", Content_Length="2, 100")),
}


@pytest.mark.parametrize("request_", [READ, EXECUTE], ids=["read", "execute"])
@pytest.mark.parametrize("name", BROKEN)
def test_whatever_breaks_after_the_request_is_lost_and_may_have_been_heard(name, request_):
    """No exception of the network library escapes; the request counts as sent."""

    def script(connection, request):
        BROKEN[name](connection, request)
        connection.close()

    with RawServer(script) as server:
        assert lost(server.url, request_).sent
        assert len(server.requests) == 1


def test_a_request_that_left_in_part_may_have_been_heard():
    """From its first byte on nobody knows what the other side has read."""

    def hang_up(plain):
        time.sleep(0.1)
        reset(plain)
        return plain

    with RawServer(says(http()), wrap=hang_up) as server:
        assert lost(server.url, endpoints.execute_sql("x" * 20_000_000, None)).sent


@pytest.mark.parametrize("start", [b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\nContent-Le"])
def test_an_answer_that_ends_within_its_head_has_no_body(start):
    """HTTP's parser takes the end for that of the head; what is left is nothing, and no page."""

    def script(connection, _):
        connection.sendall(start)
        connection.close()

    with RawServer(script) as server:
        assert send(server.url)[0].body == b""


def test_a_kept_connection_that_was_closed_meanwhile_is_replaced():
    """A server closes idle connections; the next request takes a new one."""

    def once(connection, _):
        connection.sendall(http())
        connection.close()

    with RawServer(once) as server, closing(Transport(server.url, Key(KEY))) as transport:
        for _ in range(3):
            transport.send(READ, Attempt.lasting(5))
            time.sleep(0.05)
        assert server.connections == 3


def test_connections_are_kept_for_reads_and_never_for_runs():
    """A request that starts a run goes over a fresh connection, which is closed after it."""
    with (
        RawServer(says(http())) as server,
        closing(Transport(server.url, Key(KEY))) as transport,
    ):
        for request in (READ, READ, EXECUTE, READ, EXECUTE):
            transport.send(request, Attempt.lasting(5))
        assert server.connections == 3
        assert b"Connection: close" in server.requests[2]


DRIPS = {
    "body": (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b" "),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "one header": (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "redirect": (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 1000\r\n\r\n", b" "),
    "error": (b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n", b" "),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("name", DRIPS)
def test_an_attempt_ends_in_time_however_the_server_drips(name):
    """Every byte within every timeout of a socket, yet the whole is bounded: headers and body."""
    start, drop = DRIPS[name]

    def script(connection, _):
        connection.sendall(start)
        while not server.closing.wait(0.05):
            connection.sendall(drop)

    with RawServer(script) as server:
        began = time.monotonic()
        assert "in time" in str(lost(server.url, seconds=0.4))
        assert time.monotonic() - began < 2


def test_a_slow_answer_that_ends_in_time_is_whole():
    """Patience is for the whole answer: drops that add up in time are an answer."""
    body = b'{"a": 1}'
    pieces = [http(body=body)[n : n + 1] for n in range(len(http(body=body)))]
    with RawServer(says(*pieces, pause=0.002)) as server:
        answer, _ = send(server.url, seconds=inf)
    assert answer.body == body


def test_an_attempt_that_nobody_waits_for_ends_at_once():
    """A stopped call leaves no thread behind that still reads."""
    stopped = threading.Event()
    with RawServer(lambda _connection, _request: server.closing.wait(5)) as server:
        threading.Timer(0.1, stopped.set).start()
        began = time.monotonic()
        lost(server.url, seconds=60, stopped=stopped)
        assert time.monotonic() - began < 2


# Where requests go


def location(told, status="302 Found"):
    """Return a script that redirects once and then answers."""

    def script(connection, request):
        here = b"/elsewhere" in request.split(b"\r\n")[0]
        connection.sendall(
            http(body=b'{"a": 1}') if here else http(status, b"<html>", Location=told)
        )

    return script


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 T", "308 P"])
def test_a_read_follows_a_redirect_within_the_origin(status):
    """The path may change, the scheme, host and port not; the query travels along."""
    page = endpoints.execution_results("01ABC", Window(limit=7))
    with RawServer(location("/elsewhere", status)) as server:
        answer, _ = send(server.url, page)
        first, second = server.requests
    assert answer.body == b'{"a": 1}'
    assert first.split()[1].split(b"?")[1] == second.split()[1].split(b"?")[1]
    assert second.startswith(b"GET /elsewhere?limit=7")


def test_a_redirect_elsewhere_is_refused_and_nobody_there_hears_of_it():
    """Another port is another origin: it receives neither the key nor anything else."""
    with RawServer(says(http())) as thief:
        for told in (
            f"{thief.url}/x",
            f"//127.0.0.1:{thief.port}/x",
            f"http://127.0.0.1:{thief.port}\\@{{own}}/x",
        ):
            with RawServer(
                lambda c, _r, told=told: c.sendall(
                    http("302 Found", b"", Location=told.replace("{own}", server.url[7:]))
                )
            ) as server:
                for request in (READ, EXECUTE):
                    with pytest.raises(errors.UntrustedAddressError) as caught:
                        send(server.url, request)
                    assert KEY not in str(caught.value)
        assert thief.connections == 0


def test_only_reads_follow_a_redirect():
    """A request that starts a run is not carried elsewhere, nor sent as something else."""
    with RawServer(location("/elsewhere", "307 Temporary")) as server:
        assert lost(server.url, EXECUTE).sent
        assert len(server.requests) == 1


def test_redirects_in_a_circle_end():
    """A server that redirects for ever is answered with its last redirect."""
    with RawServer(says(http("302 Found", b"", Location="/again"))) as server:
        answer, _ = send(server.url)
        assert answer.status_code == 302
        assert len(server.requests) < 6


def test_a_redirect_to_nowhere_is_an_answer():
    """A redirect without an address is Dune's word, for the caller to raise."""
    with RawServer(says(http("302 Found", b""))) as server:
        assert send(server.url)[0].status_code == 302


def test_cookies_are_not_kept():
    """What a server wants remembered is forgotten."""
    with (
        RawServer(says(http(Set_Cookie="a=b"))) as server,
        closing(Transport(server.url, Key(KEY))) as transport,
    ):
        transport.send(READ, Attempt.lasting(5))
        transport.send(READ, Attempt.lasting(5))
        assert not any(b"ookie" in request for request in server.requests)


def test_no_proxy_stands_between_us_and_this_machine(monkeypatch):
    """Plain http is for loopback; a proxy from the environment would read the key."""
    with RawServer(says(http())) as proxy, RawServer(says(http())) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        send(server.url)
        assert proxy.connections == 0


def test_a_proxy_that_refuses_proves_that_nothing_was_sent(monkeypatch):
    """Https goes through a tunnel, and the tunnel comes before the request."""
    with RawServer(says(http("407 Proxy Authentication Required", b""))) as proxy:
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        assert not lost("https://api.example.com", EXECUTE).sent
        assert proxy.requests
        assert not any(KEY.encode() in request for request in proxy.requests)


def tunnel(target):
    """Return the script of a proxy that connects to a port of this machine, whatever is asked."""

    def carry(source, sink):
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def script(connection, _request):
        with socket.create_connection(("127.0.0.1", target)) as other:
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=carry, args=(other, connection), daemon=True)
            back.start()
            carry(connection, other)
            back.join()

    return script


@pytest.mark.parametrize("request_", [READ, EXECUTE], ids=["read", "execute"])
def test_a_proxy_carries_what_it_cannot_read(tls, monkeypatch, request_):
    """Https through a tunnel: the proxy hears where to, and nothing of the request."""
    with (
        RawServer(says(http(body=b'{"a": 1}')), wrap=tls) as server,
        RawServer(tunnel(server.port)) as proxy,
    ):
        for name in ("https_proxy", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        answer, attempt = send(server.url.replace("http:", "https:"), request_)
        assert attempt.sent
        assert answer.body == b'{"a": 1}'
        assert KEY.encode() in server.requests[0]
        assert [each.split()[0] for each in proxy.requests] == [b"CONNECT"]
        assert KEY.encode() not in proxy.requests[0]


# Secrets and threads


def test_what_a_server_repeats_of_the_key_is_blotted():
    """An error that echoes the request does not carry the key into a message."""
    body = b'{"error": "invalid API Key: ' + KEY.encode() + b'"}'
    with RawServer(says(http("401 Unauthorized", body))) as server:
        assert send(server.url)[0].body == b'{"error": "invalid API Key: ..."}'


def test_text_that_cannot_be_sent_is_named():
    """A lone surrogate in a parameter is the caller's mistake, and is said to be."""
    request = endpoints.latest_results(7, {"k": "\ud800"}, Window(), allow_partial=False)
    with RawServer(says(http())) as server:
        with pytest.raises(errors.InvalidRequestError, match="no Unicode"):
            send(server.url, request)
        assert server.connections == 0


def test_a_transport_travels_without_its_connections():
    """Pickled for another process, it opens connections of its own."""
    with RawServer(says(http())) as server, closing(Transport(server.url, Key(KEY))) as transport:
        transport.send(READ, Attempt.lasting(5))
        other = pickle.loads(pickle.dumps(transport))  # noqa: S301 - our own bytes
        with closing(other):
            other.send(READ, Attempt.lasting(5))
        assert server.connections == 2
        assert KEY.encode() in server.requests[1]


def test_a_forked_process_takes_connections_of_its_own():
    """Two processes on one connection would read each other's answers."""
    with RawServer(says(http())) as server, closing(Transport(server.url, Key(KEY))) as transport:
        transport.send(READ, Attempt.lasting(5))
        transport._owner += 1
        transport.send(READ, Attempt.lasting(5))
        transport.send(READ, Attempt.lasting(5))
        assert server.connections == 2


def test_many_threads_share_one_transport():
    """Answers never mix: each thread gets that of its own request."""

    def echo(connection, request):
        connection.sendall(http(body=request.split()[1]))

    with RawServer(echo) as server, closing(Transport(server.url, Key(KEY))) as transport:

        def ask(number):
            request = endpoints.execution_status(f"E{number}")
            return transport.send(request, Attempt.lasting(5)).body.decode()

        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(ask, range(200)))
    assert answers == [f"/api/v1/execution/E{number}/status" for number in range(200)]
    assert server.connections <= 16


def test_the_log_tells_of_each_answer(caplog):
    """At DEBUG the one logger tells method, path, status and size, and no secret."""
    caplog.set_level(logging.DEBUG)
    with RawServer(says(http(body=b'{"a": 1}'))) as server:
        send(server.url)
    ours = [r.getMessage() for r in caplog.records if r.name == "dune_frames"]
    assert any("GET /execution/01ABC/status: 200, 8 bytes" in line for line in ours)
    assert KEY not in caplog.text
