"""The parts: together all rows, each once, wherever they are read, and no key on the way."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._download.plan import LARGEST_PAGE, Plan
from dune_frames._network import exchange
from dune_frames._parts import parts as parts_module
from dune_frames._parts.cut import PART_BYTES, Part, covering, cut, part_rows
from dune_frames._parts.planning import narrowed
from dune_frames._predicate.algebra import Comparison, IsNotNull
from dune_frames.local import Alter, LocalDune, Quirks, Status

KEY = "kA9xQ2mZ7pL4vB1nT8rW5yC3"
ROWS = 60
TYPES = {"n": "bigint", "word": "varchar", "wide": "uint256"}
TABLE = pa.table(
    {
        "n": range(ROWS),
        "word": [None if n % 7 == 0 else f"w{n % 5}" for n in range(ROWS)],
        "wide": [str(2**255 + n) for n in range(ROWS)],
    }
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch):
    monkeypatch.setattr(exchange, "PAUSES", (0.001,) * len(exchange.PAUSES))
    monkeypatch.setattr(exchange, "RATE_LIMIT_PAUSES", (0.001,) * len(exchange.RATE_LIMIT_PAUSES))
    monkeypatch.setattr(parts_module, "PAUSES", (0.001,) * len(parts_module.PAUSES))


@pytest.fixture(scope="module")
def local():
    with LocalDune(page_rows=7) as server:
        server.stored = server.store_result(TABLE, TYPES, query_id=7)
        yield server


def rows_of(plan):
    """Return the rows of all parts, in order."""
    return pa.concat_tables([plan.read(part) for part in plan.parts])


def exported(server):
    """Return how many rows left the server."""
    return sum(request.rows for request in server.requests)


# The cut


counts = st.integers(0, 300)


@given(
    st.none() | counts, st.none() | counts, st.none() | counts, st.booleans(), st.integers(1, 400)
)
def test_parts_cover_every_row_once(stored, offset, limit, filtered, rows):
    """Whatever is stored and wanted: without gap, without overlap, none larger than told."""
    window = Window(offset=offset, limit=limit, filters="n > 1" if filtered else None)
    plan = Plan("01", pa.schema([]), window, stored)
    parts = cut(plan, rows)
    assert parts[0].start == window.start
    assert all(left.stop == right.start for left, right in pairwise(parts))
    if stored is None:
        assert parts == (Part(window.start, plan.end),)
        return
    assert all(0 <= part.stop - part.start <= rows for part in parts)
    assert len(parts) == 1 or all(part.stop > part.start for part in parts)
    total = parts[-1].stop - parts[0].start
    assert total == replace(window, filters=None).rows_of(stored)


@given(counts, st.lists(st.tuples(counts, counts), min_size=1, max_size=4))
def test_parts_that_do_not_cover_the_result_are_refused(stored, edges):
    """No plan with a gap or an overlap leaves the planning."""
    plan = Plan("01", pa.schema([]), Window(), stored)
    parts = [Part(*edge) for edge in edges]
    whole = [edges[0][0] == 0, edges[-1][1] == stored]
    whole += [left[1] == right[0] for left, right in pairwise(edges)]
    if all(whole):
        assert covering(plan, parts) == tuple(parts)
    else:
        with pytest.raises(errors.IncompleteResultError, match="each row once"):
            covering(plan, parts)


@given(st.none() | st.floats(0, 1e9))
def test_a_part_has_whole_pages_of_about_64_megabytes(row_bytes):
    """At least one page; no more than the size allows; where no size is told, some pages."""
    found = part_rows(row_bytes, None)
    assert found % LARGEST_PAGE == 0
    assert found >= LARGEST_PAGE
    if row_bytes and found > LARGEST_PAGE:
        assert found * row_bytes <= PART_BYTES * 1.001


@pytest.mark.parametrize("wish", [0, -1, 1.5, True, "7"])
def test_a_part_without_rows_is_refused(local, wish):
    """`partition_rows` is a whole number from 1 on."""
    with (
        closing(local.client()) as client,
        pytest.raises(errors.InvalidRequestError, match="count"),
    ):
        client.plan_execution(local.stored, partition_rows=wish)


def test_a_sample_has_no_parts(local):
    """It comes in one answer, and another one each time: that is said before anything is sent."""
    local.clear_requests()
    with (
        closing(local.client()) as client,
        pytest.raises(errors.InvalidRequestError, match="parts"),
    ):
        client.plan_execution(local.stored, sample_count=5)
    assert not local.requests


# The rows


_SERVERS = {
    "plain": {},
    "short pages": {"quirks": Quirks(short_pages=2)},
    "sparse": {"quirks": Quirks(sparse_metadata=True)},
    "without types": {"quirks": Quirks(column_types=False)},
}


@pytest.fixture(scope="module", params=_SERVERS)
def any_local(request):
    with LocalDune(page_rows=7, **_SERVERS[request.param]) as server:
        server.stored = server.store_result(TABLE, TYPES)
        yield server


@settings(max_examples=12)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "columns": st.sampled_from([["n"], ["wide", "n"]]),
            "filters": st.sampled_from(["n >= 20", "word = 'w1'", "n < 0"]),
            "sort_by": st.sampled_from(["n desc", "word, n"]),
            "limit": st.integers(0, 70),
            "offset": st.integers(0, 70),
        },
    ),
    st.integers(1, 80),
)
@pytest.mark.filterwarnings("ignore::dune_frames._types.schema.DuneTypeWarning")
def test_all_parts_together_are_the_whole_read(any_local, options, rows):
    """The same rows in the same order, whatever window, page size and part size."""
    with closing(any_local.client()) as client:
        plan = client.plan_execution(any_local.stored, partition_rows=rows, cache=False, **options)
        whole = client.read_execution(any_local.stored, frame="pyarrow", cache=False, **options)
    assert rows_of(plan).equals(whole.replace_schema_metadata(None))
    assert plan.schema.equals(whole.schema)


@pytest.mark.parametrize("start", ["query", "sql", "execution"])
def test_planning_exports_no_row_and_proves_once(start):
    """Whatever it starts from: rows are exported by the parts alone, and one request proves CSV."""
    table = pa.table({"n": range(5000), "word": ["a"] * 5000})
    with LocalDune() as local, closing(local.client()) as client:
        stored = local.store_result(table, query_id=7)
        local.register("numbers", table)
        plan = {
            "query": lambda: client.plan_query(7, partition_rows=500, cache=False),
            "sql": lambda: client.plan_sql(
                "SELECT * FROM numbers", partition_rows=500, cache=False
            ),
            "execution": lambda: client.plan_execution(stored, partition_rows=500, cache=False),
        }[start]()
        assert exported(local) == 0
        assert rows_of(plan)["n"].to_pylist() == list(range(5000))
        asked = [request.endpoint for request in local.requests]
        assert (asked.count("results"), asked.count("results_csv")) == (1, 10)
        assert exported(local) == 5000


def test_a_plan_reads_the_execution_it_pinned(local):
    """A newer run of the query changes nothing."""
    with closing(local.client()) as client:
        plan = client.plan_query(7, cache=False, partition_rows=25)
        local.store_result(TABLE.slice(0, 3), TYPES, query_id=7)
        assert plan.execution_id == local.stored
        assert rows_of(plan).num_rows == ROWS


def test_parts_keep_their_rows_on_disk(local):
    """A part read before is not exported again, nor is any row of it by a whole read."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=25, columns=["n", "word"])
        rows_of(plan)
        local.clear_requests()
        rows_of(plan)
        client.read_execution(local.stored, columns=["n", "word"])
        assert exported(local) == 0


def test_an_export_is_refused_by_the_columns_that_a_part_reads(local):
    """`max_export_mb` counts all parts together, of the columns chosen in the end."""
    with closing(local.client()) as client:
        size = client.execution(local.stored).estimate().megabytes
        plan = client.plan_execution(
            local.stored, partition_rows=10, max_export_mb=size / 2, cache=False
        )
        with pytest.raises(errors.ExportTooLargeError):
            plan.read(plan.parts[0])
        assert plan.select(("n",)).read(plan.parts[0]).num_rows == 10


def test_chosen_columns_keep_their_own_overrides(local):
    """An override of a column that is not chosen is no error."""
    with closing(local.client()) as client:
        plan = client.plan_execution(
            local.stored, schema_overrides={"n": pa.string(), "wide": pa.decimal256(76, 0)}
        )
    assert plan.select(("n", "word")).schema.types == [pa.string(), pa.string()]


# What goes wrong


def test_a_part_goes_on_where_it_stopped(local):
    """After errors that outlast all patience of a request, it exports only what is missing."""
    stored = local.store_result(TABLE, TYPES)
    with closing(local.client()) as client:
        plan = client.plan_execution(stored, partition_rows=30)
        attempts = len(exchange.PAUSES) + 1
        local.clear_requests()
        local.inject(Status(503), endpoint="results", skip=3, times=attempts)
        assert rows_of(plan)["n"].to_pylist() == list(range(ROWS))
        # One page at most was on its way beside the one that failed.
        assert ROWS <= exported(local) <= ROWS + 7


def test_a_part_goes_on_without_a_cache_too(local):
    """The pages that were handed over before the failure are not asked for again."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, cache=False)
        local.clear_requests()
        local.inject(Status(503), endpoint="results", skip=5, times=len(exchange.PAUSES) + 1)
        tables = plan.tables(plan.parts[0])
        assert pa.concat_tables(tables)["n"].to_pylist() == list(range(ROWS))


def test_a_part_waits_out_a_rate_limit(local):
    """A worker that finds the account's minute used up goes on in the next one."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=30, cache=False)
        local.inject(Status(429), endpoint="results", times=3 * len(exchange.RATE_LIMIT_PAUSES))
        assert rows_of(plan).num_rows == ROWS
    local.clear_faults()


def test_a_part_gives_up_in_the_end(local):
    """The error is that of the last attempt, and names the execution."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=30, cache=False)
        local.inject(Status(503), endpoint="results", times=10_000)
        with pytest.raises(errors.ServerError) as raised:
            plan.read(plan.parts[1])
        assert raised.value.execution_id == local.stored
        local.clear_faults()


def test_a_filtered_part_is_not_taken_up_in_the_middle():
    """Nobody knows at which offset it would go on: the engine has to read it anew."""
    rows = 2 * LARGEST_PAGE + 100
    with LocalDune() as local, closing(local.client()) as client:
        stored = local.store_result(pa.table({"n": range(rows)}))
        plan = client.plan_execution(
            stored, filters="n >= 10", format="json", cache=False, partition_rows=rows
        )
        local.inject(Status(503), endpoint="results", skip=1, times=10_000)
        with pytest.raises(errors.ServerError):
            list(plan.tables(plan.parts[0]))
        # Only the page that failed, and one beside it, were asked for again: no further attempt.
        assert len(local.requests) <= 3 + 2 * (len(exchange.PAUSES) + 1)
        local.clear_faults()
        assert rows_of(plan)["n"].to_pylist() == list(range(10, rows))


@pytest.mark.parametrize("refusal", [400, 401, 402, 404])
def test_what_does_not_pass_is_not_tried_again(local, refusal):
    """Dune's word is asked for once."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=30, cache=False)
        local.clear_requests()
        local.inject(Status(refusal), endpoint="results")
        with pytest.raises(errors.APIError):
            plan.read(plan.parts[0])
        assert sum(request.status == refusal for request in local.requests) == 1


@pytest.mark.parametrize("lost", [1, 2])
def test_a_part_that_lacks_a_row_is_an_error(local, lost):
    """Each part is checked for its count; the others are not touched by it."""

    def without(body):
        return body.replace(b'"next_offset"', b'"next_offset_lost"').replace(
            b'"next_uri"', b'"next_uri_lost"'
        )

    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=20, cache=False)
        local.inject(Alter(without), endpoint="results", skip=lost - 1)
        with pytest.raises(errors.IncompleteResultError) as raised:
            rows_of(plan)
        assert raised.value.execution_id == local.stored
        local.clear_faults()
        assert plan.read(plan.parts[2])["n"].to_pylist() == list(range(40, 60))


# Predicates


def test_a_predicate_is_sent_by_all_parts_or_by_none(local):
    """Where Dune refuses a filter, no part sends it: offsets count filtered rows."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=20, cache=False)
        local.clear_requests()
        local.inject(Status(400), endpoint="results")
        plain = narrowed(plan, Comparison("n", ">=", 50))
        assert plain == plan
        sent = narrowed(plan, Comparison("n", ">=", 50))
        assert sent.reading.filters == '"n" >= 50'
        assert rows_of(sent)["n"].to_pylist() == list(range(50, 60))
        assert exported(local) == 11


def test_the_documented_part_of_a_predicate_is_tried_next(local):
    """A refused IS NOT NULL does not cost the comparison beside it."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=20, cache=False)
        local.inject(Status(400), endpoint="results")
        both = narrowed(plan, Comparison("n", ">=", 50))
        local.inject(Status(400), endpoint="results")
        from dune_frames._predicate.algebra import And

        kept = narrowed(plan, And((Comparison("n", ">=", 50), IsNotNull("word"))))
    assert both.reading.filters is None
    assert kept.reading.filters == '"n" >= 50'


def test_no_part_asks_when_no_row_matches(local):
    """The question whether Dune takes the filter tells that as well."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, partition_rows=2, cache=False)
        local.clear_requests()
        none = narrowed(plan, Comparison("n", "<", 0))
        assert rows_of(none).num_rows == 0
        assert len(local.requests) == 1


def test_a_window_that_counts_rows_is_not_narrowed(local):
    """The first ten rows are counted before they are filtered."""
    with closing(local.client()) as client:
        plan = client.plan_execution(local.stored, limit=10)
        assert narrowed(plan, Comparison("n", ">", 5)) == plan


# Secrets and other processes


@pytest.fixture(scope="module")
def guarded():
    with LocalDune(api_key=KEY, page_rows=7) as server:
        server.stored = server.store_result(TABLE, TYPES)
        yield server


def elsewhere(plan, environment):
    """Read all parts in another process; return what it prints."""
    program = (
        "import pickle, sys\n"
        "plan = pickle.load(sys.stdin.buffer)\n"
        "import dune_frames\n"
        "try: print(sum(plan.read(part).num_rows for part in plan.parts))\n"
        "except dune_frames.DuneError as problem: print(problem)\n"
    )
    own = {name: value for name, value in os.environ.items() if name != "DUNE_API_KEY"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        input=pickle.dumps(plan), capture_output=True, check=True, env=own | environment,
    )  # fmt: skip
    return done.stdout.decode()


def test_a_plan_is_small_and_holds_no_key(guarded):
    """Neither does its repr; nor those of what it consists of."""
    with closing(guarded.client()) as client:
        plan = client.plan_execution(guarded.stored, partition_rows=10)
    sent = pickle.dumps(plan)
    assert KEY.encode() not in sent
    assert KEY not in repr(plan)
    assert len(sent) < 2_000
    assert pickle.loads(sent) == plan  # noqa: S301 - our own bytes


def test_another_process_reads_with_its_own_key(guarded, tmp_path):
    """From its environment, or from a file that the plan names; without one it says what to do."""
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    with closing(guarded.client()) as client:
        plan = client.plan_execution(guarded.stored, partition_rows=25, cache=False)
        by_file = client.plan_execution(
            guarded.stored, partition_rows=25, cache=False, api_key_file=file
        )
    assert elsewhere(plan, {"DUNE_API_KEY": KEY}) == f"{ROWS}\n"
    assert elsewhere(by_file, {}) == f"{ROWS}\n"
    said = elsewhere(plan, {})
    assert "no Dune API key in the process that reads a part" in said
    assert "api_key_file" in said
    file.unlink()
    assert "no key to be read" in elsewhere(by_file, {})


def test_the_key_goes_to_no_other_address(guarded, monkeypatch):
    """A plan that names a plain address elsewhere is refused before the key is sent."""
    monkeypatch.setenv("DUNE_API_KEY", KEY)
    with closing(guarded.client()) as client:
        plan = client.plan_execution(guarded.stored, cache=False)
    access = replace(plan.access, base_url="http://dune.example")
    with pytest.raises(errors.ConfigurationError, match="unencrypted"):
        replace(plan, access=access).read(plan.parts[0])


def test_the_threads_of_a_process_wait_together(guarded):
    """Parts that are read in one process share its connections, and so the server's pauses."""
    with closing(guarded.client()) as client:
        plan = client.plan_execution(guarded.stored, cache=False)
    again = pickle.loads(pickle.dumps(plan))  # noqa: S301 - our own bytes
    assert again.access.calls() is plan.access.calls()
