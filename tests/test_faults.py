"""The table of faults: what strikes, where and when, and what comes of it.

A cell of the tables says what the call ends in: the whole frame (``ok``) or the error of that name
(without ``Error``). Behind it stand how many execute requests the server got, where that is not
one, and whether the page that was struck had to be exported again (``again``): that is so only
where the server had exported it and it did not arrive. Every other page is exported exactly once.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from dune_frames import errors
from dune_frames._network import exchange
from dune_frames.local import Alter, Drip, Garbage, Hang, LocalDune, Reset, Status, Truncate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames import Dune

ROWS, PAGE = 10, 4
PAGES = (4, 4, 2)
SQL = "SELECT n, 'row ' || CAST(n AS varchar) AS name FROM UNNEST(sequence(1, 10)) AS t(n)"
FRAME = pl.DataFrame({"n": range(1, ROWS + 1), "name": [f"row {n}" for n in range(1, ROWS + 1)]})
#: The same for the servers of several threads: polars 1.30 lends a frame to one at a time.
AS_ARROW = FRAME.to_arrow()
FOREIGN = "https://evil.example/api/v1/execution/x/results?offset=4"
OTHER_ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    """Only the pauses are shorter than in life; how many there are is not changed."""
    monkeypatch.setattr(exchange, "PAUSES", (0.005,) * len(exchange.PAUSES))
    monkeypatch.setattr(exchange, "RATE_LIMIT_PAUSES", (0.005,) * len(exchange.RATE_LIMIT_PAUSES))


@contextmanager
def stage(column: str, execution_seconds: float = 0.1) -> Iterator[tuple[LocalDune, str]]:
    """Open a server with a saved query 7, and a stored result of query 8 whose id comes along.

    A run is seen under way once, or, where it is to be cancelled, does not end.
    """
    lasts = 600 if column == "cancel" else execution_seconds
    with LocalDune(page_rows=PAGE, execution_seconds=lasts) as local:
        local.save_query(7, SQL)
        yield local, local.store_result(AS_ARROW, {"n": "bigint", "name": "varchar"}, query_id=8)


@pytest.fixture(scope="module")
def stages():
    """The servers that the cells share, by column."""
    with stage("results") as one, stage("cancel") as other:
        yield lambda column: other if column == "cancel" else one


# What strikes


def told(**changes):
    """Return a fault that changes what a JSON body tells."""

    def alter(body):
        return json.dumps(json.loads(body) | changes).encode()

    return alter


def stuck(body):
    """Name an offset as the next one that is not behind the rows of the page itself."""
    page = json.loads(body)
    rows = page.get("result", {}).get("rows", [])
    at = max(rows[0]["n"] - 1, 0) if rows else 0
    return json.dumps(page | {"next_offset": at}).encode()


def without_a_row(body):
    """Leave out a row, of JSON or of CSV."""
    if not body.startswith(b"{"):
        return b"".join(body.splitlines(keepends=True)[:-1])
    page = json.loads(body)
    if "result" in page:
        page["result"]["rows"] = page["result"]["rows"][:-1]
    return json.dumps(page).encode()


def json_or_csv(alter):
    """Alter JSON bodies only: CSV tells such things in headers, or not at all."""
    return lambda body: alter(body) if body.startswith(b"{") else body


FAULTS = {
    "429": Status(429),
    "429 wait": Status(429, headers={"Retry-After": "0.01"}),
    "500": Status(500),
    "502": Status(502, "<html>bad gateway</html>"),
    "503": Status(503, headers={"Retry-After": "0.01"}),
    "504": Status(504, ""),
    "500 acted": Status(500, acted=True),
    "reset before": Reset(before=True),
    "reset after": Reset(before=False),
    "cut": Truncate(0.5),
    "cut, lies": Truncate(0.5, lie=True),
    "empty": Truncate(0, lie=True),
    "html": Garbage(),
    "wrong JSON": Garbage('{"hello": "world"}\n', "application/json"),
    "drip": Drip(0.005, pieces=5),
    "hang": Hang(600),
    "hang after": Hang(600, before=False),
    "redirect": Status(302, headers={"Location": FOREIGN}),
    "next_uri": Alter(json_or_csv(told(next_uri=FOREIGN)), {"x-dune-next-uri": FOREIGN}),
    "next_offset": Alter(json_or_csv(stuck), {"x-dune-next-offset": "0"}),
    "rows missing": Alter(without_a_row),
    "other run": Alter(json_or_csv(told(execution_id=OTHER_ID))),
}
# What comes of it

#: The fault strikes one request: the first to the endpoint, one in the middle, or the last.
ONCE = """
fault        | execute   | status     | results    | results_csv | proof     | latest     | cancel
429          | ok 2      | ok         | ok         | ok          | ok        | ok         | ok
429 wait     | ok 2      | ok         | ok         | ok          | ok        | ok         | ok
500          | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
502          | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
503          | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
504          | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
500 acted    | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
reset before | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
reset after  | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
cut          | Maybe     | ok         | ok again   | ok again    | ok        | ok again   | ok
cut, lies    | Maybe     | ok         | ok again   | ok again    | ok        | ok again   | ok
empty        | Maybe     | ok         | ok again   | ok again    | ok        | ok again   | ok
html         | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
wrong JSON   | Maybe     | ok         | ok         | ok          | ok        | ok         | ok
drip         | ok        | ok         | ok         | ok          | ok        | ok         | ok
hang         | Maybe     | Deadline   | Deadline   | Deadline    | Deadline  | Deadline   | Deadline
hang after   | Maybe     | Deadline   | Deadline   | Deadline    | Deadline  | Deadline   | Deadline
redirect     | Untrusted | Untrusted  | Untrusted  | Untrusted   | Untrusted | Untrusted  | Untrusted
next_uri     | ok        | ok         | Untrusted  | Untrusted   | Untrusted | Untrusted  | ok
next_offset  | ok        | ok         | Incomplete | Incomplete  | ok        | Incomplete | ok
rows missing | ok        | ok         | Incomplete | Incomplete  | ok        | Incomplete | ok
other run    | NotFound  | Incomplete | Incomplete | ok          | ok        | NotFound   | ok
"""

#: From that request on the fault strikes every one to the endpoint.
ALWAYS = """
fault        | execute     | status     | results         | results_csv     | proof     | latest          | cancel
429          | RateLimit 8 | RateLimit  | RateLimit       | RateLimit       | ok        | RateLimit       | RateLimit
429 wait     | RateLimit 8 | RateLimit  | RateLimit       | RateLimit       | ok        | RateLimit       | RateLimit
500          | Maybe       | Server     | Server          | Server          | ok        | Server          | Server
502          | Maybe       | Server     | Server          | Server          | ok        | Server          | Server
503          | Maybe       | Server     | Server          | Server          | ok        | Server          | Server
504          | Maybe       | Server     | Server          | Server          | ok        | Server          | Server
500 acted    | Maybe       | Server     | Server          | Server          | ok        | Server          | Server
reset before | Maybe       | Transport  | Transport       | Transport       | Transport | Transport       | Transport
reset after  | Maybe       | Transport  | Transport       | Transport       | Transport | Transport       | Transport
cut          | Maybe       | Transport  | Transport again | Transport again | Transport | Transport again | Transport
cut, lies    | Maybe       | Transport  | Transport again | Transport again | Transport | Transport again | Transport
empty        | Maybe       | Transport  | Transport again | Transport again | Transport | Transport again | Transport
html         | Maybe       | Transport  | Transport       | Transport       | Transport | Transport       | Transport
wrong JSON   | Maybe       | Transport  | Transport       | Transport       | Transport | Transport       | Transport
drip         | ok          | ok         | ok              | ok              | ok        | ok              | ok
hang         | Maybe       | Deadline   | Deadline        | Deadline        | Deadline  | Deadline        | Deadline
hang after   | Maybe       | Deadline   | Deadline        | Deadline        | Deadline  | Deadline        | Deadline
redirect     | Untrusted   | Untrusted  | Untrusted       | Untrusted       | Untrusted | Untrusted       | Untrusted
next_uri     | ok          | ok         | Untrusted       | Untrusted       | Untrusted | Untrusted       | ok
next_offset  | ok          | ok         | Incomplete      | Incomplete      | ok        | Incomplete      | ok
rows missing | ok          | ok         | Incomplete      | Incomplete      | ok        | Incomplete      | ok
other run    | NotFound    | Incomplete | Incomplete      | ok              | ok        | NotFound        | ok
"""

HANGS = {"hang", "hang after"}

#: The words of the tables.
ENDS = {
    "Maybe": errors.MaybeStartedError,
    "RateLimit": errors.RateLimitError,
    "Server": errors.ServerError,
    "Transport": errors.TransportError,
    "Deadline": errors.DeadlineError,
    "Untrusted": errors.UntrustedAddressError,
    "Incomplete": errors.IncompleteResultError,
    "NotFound": errors.NotFoundError,
}

# The calls whose requests are struck

#: Stands for the id of the stored result.
STORED = "stored"


@dataclass(frozen=True)
class Call:
    """A method of the client with its arguments; its coroutine twin takes the same."""

    method: str
    source: str | int
    options: tuple[tuple[str, Any], ...] = ()

    def make(self, client: Dune, stored: str, *, with_loop: bool, **options: Any) -> Any:
        """Make the call, or its twin on an event loop of its own."""
        source = stored if self.source == STORED else self.source
        everything = {"frame": "polars", "cache": False} | dict(self.options) | options
        if with_loop:
            return asyncio.run(getattr(client, f"{self.method}_async")(source, **everything))
        return getattr(client, self.method)(source, **everything)


@dataclass(frozen=True)
class Cancel(Call):
    """Cancelling by hand; where it hangs, by running out of time, which cancels too."""

    def make(self, client: Dune, stored: str, *, with_loop: bool, **options: Any) -> Any:
        """Make the call."""
        if with_loop or options["timeout"] is not None:
            return super().make(client, stored, with_loop=with_loop, **options)
        return FRAME if client.execute_sql(SQL).cancel() else None


RUN_SQL = Call("read_sql", SQL)
RUN_QUERY = Call("read_query", 7, (("max_age", 0),))
READ = Call("read_execution", STORED)
READ_CSV = Call("read_execution", STORED, (("format", "csv"),))
LATEST = Call("read_query", 8)


@dataclass(frozen=True)
class Moment:
    """A request within a call, by the endpoint and its place among the requests to it.

    Attributes
    ----------
    page : int or None
        Which page it brings, counted from 0.
    runs : bool
        Whether the call starts a run.
    """

    name: str
    column: str
    call: Call
    endpoint: str
    skip: int = 0
    page: int | None = None
    runs: bool = False


MOMENTS = [
    Moment("execute_sql", "execute", RUN_SQL, "execute_sql", runs=True),
    Moment("execute_query", "execute", RUN_QUERY, "execute_query", runs=True),
    Moment("status", "status", READ, "status"),
    Moment("status of a run", "status", RUN_SQL, "status", 1, runs=True),
    Moment("first page", "results", READ, "results", 0, 0),
    Moment("page between", "results", READ, "results", 1, 1),
    Moment("last page", "results", READ, "results", 2, 2),
    Moment("first CSV page", "results_csv", READ_CSV, "results_csv", 0, 0),
    Moment("CSV page between", "results_csv", READ_CSV, "results_csv", 1, 1),
    Moment("last CSV page", "results_csv", READ_CSV, "results_csv", 2, 2),
    Moment("proof", "proof", READ_CSV, "results"),
    Moment("latest", "latest", LATEST, "latest", 0, 0),
    Moment("cancel", "cancel", Cancel("read_sql", SQL), "cancel", runs=True),
]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: a fault, the request that it strikes, how often, and what comes of it."""

    fault: str
    moment: Moment
    always: bool
    end: str
    posts: int
    again: bool

    @property
    def rows(self) -> int:
        """How many rows the server exports: each page once, and the struck one as told."""
        page = self.moment.page
        if page is None:
            return ROWS if self.end == "ok" and self.moment.column != "cancel" else 0
        whole = ROWS if self.end == "ok" else sum(PAGES[:page])
        refused = isinstance(FAULTS[self.fault], Alter) and self.end != "ok"
        strikes = 1 + len(exchange.PAUSES) if self.always else 1
        return whole + PAGES[page] * (strikes if self.again else refused)


def cells(table: str, *, always: bool) -> Iterator[Cell]:
    """Read a table."""
    head, *lines = ([word.strip() for word in line.split("|")] for line in table.split("\n")[1:-1])
    assert [line[0] for line in lines] == list(FAULTS)
    for fault, *ends in lines:
        for moment in MOMENTS:
            end, *more = ends[head.index(moment.column) - 1].split()
            posts = next((int(word) for word in more if word.isdigit()), int(moment.runs))
            yield Cell(fault, moment, always, end, posts, "again" in more)


CELLS = [*cells(ONCE, always=False), *cells(ALWAYS, always=True)]


@dataclass(frozen=True)
class Outcome:
    """What came of a call, and what the server saw of it."""

    frame: pl.DataFrame | None
    error: BaseException | None
    posts: int
    rows: int


def outcome(cell: Cell, local: LocalDune, stored: str, *, with_loop: bool = False) -> Outcome:
    """Order the fault and make the call."""
    times, skip = 1000 if cell.always else 1, cell.moment.skip
    local.clear_requests()
    local.inject(FAULTS[cell.fault], endpoint=cell.moment.endpoint, times=times, skip=skip)
    timeout = 3.0 if cell.fault in HANGS else None
    frame = error = None
    try:
        with closing(local.client()) as client:
            frame = cell.moment.call.make(client, stored, with_loop=with_loop, timeout=timeout)
    except Exception as problem:  # noqa: BLE001 - whatever it is, it is compared with the cell
        error = problem
    finally:
        local.clear_faults()
    asked = [request.endpoint for request in local.requests]
    posts = asked.count("execute_sql") + asked.count("execute_query")
    return Outcome(frame, error, posts, sum(request.rows for request in local.requests))


@pytest.fixture(scope="module")
def hung():
    """All cells in which something hangs: side by side, each with a server of its own."""

    def run(cell):
        with stage(cell.moment.column, 1.5) as own:
            return outcome(cell, *own)

    cells = [cell for cell in CELLS if cell.fault in HANGS]
    with ThreadPoolExecutor(len(cells)) as pool:
        return dict(zip(cells, pool.map(run, cells), strict=True))


def name(cell: Cell) -> str:
    """Return the name of a cell in the report."""
    return f"{cell.fault}, {cell.moment.name}, {'always' if cell.always else 'once'}"


def compare(came: Outcome, cell: Cell) -> None:
    """Compare what came with what the table says."""
    if cell.end == "ok":
        assert came.error is None
        assert came.frame.equals(FRAME)
    else:
        assert type(came.error) is ENDS[cell.end], came.error
        assert str(came.error).splitlines()[-1].startswith("What to do: ")
    assert came.posts == cell.posts
    assert came.rows == cell.rows


@pytest.mark.parametrize("cell", CELLS, ids=name)
def test_table(cell, request):
    """Every cell ends as the table says: frame or error, billed runs, rows exported."""
    if cell.fault in HANGS:
        came = request.getfixturevalue("hung")[cell]
        # A request that hangs is in the server's log when it ends.
        came = replace(came, posts=came.posts or cell.posts)
    else:
        came = outcome(cell, *request.getfixturevalue("stages")(cell.moment.column))
    compare(came, cell)


WITH_LOOP = [
    cell
    for cell in CELLS
    if cell.moment.name in ("execute_sql", "status of a run", "page between", "latest")
    and cell.fault not in HANGS
    and not cell.always
]


@pytest.mark.parametrize("cell", WITH_LOOP, ids=name)
def test_table_on_an_event_loop(cell, stages):
    """The coroutine twins end in the same."""
    compare(outcome(cell, *stages(cell.moment.column), with_loop=True), cell)


# Many at once

PASSING = [fault for fault in FAULTS if fault not in HANGS][:14]


def test_many_threads_on_one_client(stages):
    """Calls side by side do not mix: every frame whole, every run billed once, no page twice."""
    local, stored = stages("results")
    local.clear_requests()
    for place, fault in enumerate(PASSING):
        local.inject(FAULTS[fault], endpoint="results", skip=5 * place)
    local.inject(FAULTS["429"], endpoint="execute_sql", times=3)
    calls = [RUN_SQL, READ, READ_CSV, LATEST] * 8
    with closing(local.client()) as client, ThreadPoolExecutor(8) as pool:
        frames = list(pool.map(lambda call: call.make(client, stored, with_loop=False), calls))
    local.clear_faults()
    assert all(frame.equals(FRAME) for frame in frames)
    runs = [request.status for request in local.requests if request.endpoint == "execute_sql"]
    assert sorted(runs) == [200] * 8 + [429] * 3


LARGE = pl.DataFrame({"n": range(100_000)})


@contextmanager
def large_stage() -> Iterator[tuple[LocalDune, str]]:
    """Open a server with a result of several pages, which travel side by side."""
    with LocalDune() as local:
        yield local, local.store_result(LARGE, {"n": "bigint"})


@pytest.fixture(scope="module")
def large():
    with large_stage() as opened:
        yield opened


@pytest.fixture
def own_large():
    """The same for one test alone: pages that it gives up may still be on their way after it."""
    with large_stage() as opened:
        yield opened


@pytest.mark.parametrize("format_", ["json", "csv"])
@pytest.mark.parametrize("fault", PASSING)
def test_pages_side_by_side(large, fault, format_):
    """One page fails and is asked for again; the others, whole, are not."""
    local, stored = large
    local.clear_requests()
    endpoint = "results" if format_ == "json" else "results_csv"
    local.inject(FAULTS[fault], endpoint=endpoint, skip=2)
    with closing(local.client()) as client:
        frame = client.read_execution(stored, frame="polars", cache=False, format=format_)
    assert frame.equals(LARGE)
    pages = Counter(
        request.query["offset"] for request in local.requests if request.endpoint == endpoint
    )
    assert sorted(pages.values()) == [1, 1, 1, 2]


@pytest.mark.parametrize("fault", ["503", "reset after", "rows missing", "next_offset"])
def test_a_page_that_stays_away_fails_the_whole(own_large, fault):
    """No frame without one of its pages; those that came are not asked for again."""
    local, stored = own_large
    local.inject(FAULTS[fault], endpoint="results", skip=2, times=1000)
    with closing(local.client()) as client, pytest.raises(errors.DuneError) as caught:
        client.read_execution(stored, frame="polars", cache=False, format="json")
    assert caught.value.execution_id == stored
    pages = [
        request.query["offset"]
        for request in local.requests
        if request.endpoint == "results" and request.rows
    ]
    # Two came before the fault struck.
    assert sorted(Counter(pages).values())[:2] == [1, 1]
