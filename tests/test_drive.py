"""The driver, over real sockets: deadlines, pauses that all share, and what is given up."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from raw_server import RawServer, http

from dune_frames import errors
from dune_frames._network.driver import Driver, StoppedError, in_thread
from dune_frames._network.exchange import Sleep, exchange
from dune_frames._network.key import Key
from dune_frames._network.pace import Deadline, Pace
from dune_frames._network.transport import Transport
from dune_frames._wire import answers, endpoints

ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
STATUS = b'{"execution_id": "%b", "state": "QUERY_STATE_EXECUTING"}' % ID.encode()


def status():
    """Return a flow of one request."""
    return exchange(endpoints.execution_status(ID), answers.read_status)


def run(driver, flow, *, with_loop):
    """Take a flow's steps, on this thread or on an event loop."""
    return asyncio.run(driver.run_async(flow)) if with_loop else driver.run(flow)


@pytest.fixture(params=[False, True], ids=["thread", "loop"])
def with_loop(request):
    return request.param


@pytest.fixture
def open_driver():
    """What makes drivers for a server."""
    transports = []

    def make(url, seconds=None, pace=None):
        transports.append(Transport(url, Key("key")))
        return Driver(transports[-1], pace or Pace(), Deadline(seconds))

    yield make
    for transport in transports:
        transport.close()


def says(body, **headers):
    """Return a script that gives the same answer always."""
    return lambda connection, _request: connection.sendall(http(body=body, **headers))


def test_a_flow_is_taken_to_its_end(open_driver, with_loop):
    """Requests are sent, pauses are kept, the flow's value comes back."""

    def flow():
        first = yield from status()
        yield Sleep(0.05)
        second = yield from status()
        return first, second

    with RawServer(says(STATUS)) as server:
        began = time.monotonic()
        first, second = run(open_driver(server.url), flow(), with_loop=with_loop)
    assert first == second
    assert time.monotonic() - began >= 0.05


def test_a_deadline_ends_a_pause(open_driver, with_loop):
    """A pause is cut to what is left, and the next step raises."""

    def flow():
        yield Sleep(60)
        yield Sleep(60)

    began = time.monotonic()
    with pytest.raises(errors.DeadlineError, match=r"timeout=0\.1 seconds"):
        run(open_driver("http://127.0.0.1:9", 0.1), flow(), with_loop=with_loop)
    assert time.monotonic() - began < 2


def test_a_deadline_ends_a_request(open_driver, with_loop):
    """One deadline for all attempts together, however the server delays."""
    with RawServer(lambda *_: server.closing.wait(10)) as server:
        began = time.monotonic()
        with pytest.raises(errors.DeadlineError) as caught:
            run(open_driver(server.url, 0.3), status(), with_loop=with_loop)
        assert time.monotonic() - began < 2
    assert caught.value.execution_id == ID
    assert "no answer in time" in str(caught.value)


def test_retry_after_stays_within_the_deadline(open_driver, with_loop):
    """A server that wants us to wait for a minute does not hold a call of less."""
    limited = http("429 Too Many Requests", b'{"error": "slow down"}', Retry_After="60")
    with RawServer(lambda connection, _: connection.sendall(limited)) as server:
        began = time.monotonic()
        with pytest.raises(errors.DeadlineError, match="429") as caught:
            run(open_driver(server.url, 0.3), status(), with_loop=with_loop)
        assert time.monotonic() - began < 2
        assert len(server.requests) == 1
    assert caught.value.server_text == "slow down"


def test_what_the_server_asks_of_one_all_keep():
    """After 429 no request of the client goes before the pause is over, on whatever thread."""
    answers = [http("429 Too Many Requests", b"{}", Retry_After="1")]
    times = []

    def script(connection, _request):
        times.append(time.monotonic())
        connection.sendall(answers.pop() if answers else http(body=STATUS))

    pace = Pace()
    with RawServer(script) as server, closing(Transport(server.url, Key("key"))) as transport:
        drivers = [Driver(transport, pace, Deadline()) for _ in range(6)]
        first = ThreadPoolExecutor(1).submit(drivers[0].run, status())
        while not pace.pause():
            time.sleep(0.005)
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(lambda driver: driver.run(status()), drivers[1:]))
        first.result()
    assert len(times) == 7
    assert min(times[1:]) - times[0] >= 1
    assert len({round(moment, 3) for moment in times[1:]}) > 1


def test_pauses_after_failures_differ():
    """Callers who failed together do not come back together."""
    driver = Driver(None, Pace(), Deadline())
    pauses = {driver._before(Sleep(1, jitter=True)) for _ in range(20)}
    assert len(pauses) > 10
    assert all(1 <= pause <= 1.5 for pause in pauses)
    assert driver._before(Sleep(1)) == 1


def test_a_stopped_call_ends_on_all_its_threads(open_driver):
    """Pauses and requests of a call that was given up end at once."""

    def pause():
        yield Sleep(60)

    with RawServer(lambda *_: server.closing.wait(10)) as server:
        driver = open_driver(server.url)
        with ThreadPoolExecutor(2) as pool:
            waiting = [pool.submit(driver.run, pause()), pool.submit(driver.run, status())]
            time.sleep(0.1)
            driver.stopped.set()
            began = time.monotonic()
            for each in waiting:
                with pytest.raises(StoppedError):
                    each.result()
        assert time.monotonic() - began < 2


def test_a_cancelled_task_stops_what_it_started_on_a_thread():
    """Blocking work beside the loop is told to give up when its task is cancelled."""
    import threading

    stopped, ended = threading.Event(), threading.Event()

    def work():
        stopped.wait(10)
        ended.set()

    async def main():
        task = asyncio.create_task(in_thread(work, stopped))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert ended.wait(1)


def test_an_event_loop_goes_on_while_a_call_waits(open_driver):
    """Waiting for the network never blocks the loop."""

    async def main(driver):
        ticks = 0
        task = asyncio.create_task(driver.run_async(status()))
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return ticks

    def slowly(connection, _request):
        time.sleep(0.3)
        connection.sendall(http(body=STATUS))

    with RawServer(slowly) as server:
        assert asyncio.run(main(open_driver(server.url))) >= 10
