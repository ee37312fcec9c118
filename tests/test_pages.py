"""Pages, taken from a list: every row once and in order, or an error; and the proof for CSV."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from replay import Replay, answer

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._download.pages import read_sample, read_span
from dune_frames._download.plan import Plan, Span
from dune_frames._download.proof import prove_csv
from dune_frames._types.schema import Typing, result_schema

ID = "01HKZJ2683PHF9Q9PHHQ8FW4Q1"
OTHER = "01HKZJ2683PHF9Q9PHHQ8FW4Q2"
SCHEMA = result_schema(["n"], ["bigint"], Typing())
FILTERED = Window(filters="n > 0")


def plan(stored, window=None):
    """Return the plan of a download."""
    return Plan(ID, SCHEMA, window or Window(), stored)


def json_page(start, rows, after=None, *, total=None, execution_id=ID, **metadata):
    """Return a JSON page of whole numbers from `start` on."""
    told = {"column_names": ["n"], "column_types": ["bigint"], "row_count": rows} | metadata
    result = {"rows": [{"n": n} for n in range(start, start + rows)], "metadata": told}
    if total is not None:
        told["total_row_count"] = total
    page = {"execution_id": execution_id, "state": "QUERY_STATE_COMPLETED", "result": result}
    return answer(200, page | ({} if after is None else {"next_offset": after}))


def csv_page(start, rows, after=None):
    """Return the same as CSV."""
    body = "n\n" + "".join(f"{n}\n" for n in range(start, start + rows))
    headers = {} if after is None else {"x_dune_next_offset": str(after)}
    return answer(200, body.encode(), content_length=str(len(body)), **headers)


def read(the_plan, span, outcomes, *, csv=False):
    """Read a span; return its numbers."""
    pages = []
    Replay(outcomes).run(read_span(the_plan, span, pages, csv=csv))
    return pa.concat_tables([page.table for page in pages])["n"].to_pylist()


@dataclass
class Server(Replay):
    """Answers every request for a page of a result of `total` rows, a few rows at a time."""

    total: int = 0
    sizes: tuple[int, ...] = (1,)

    def _outcome(self, step):
        self.steps.append(step)
        asked = dict(step.request.query)
        size = self.sizes[len(self.steps) % len(self.sizes)]
        start = int(asked["offset"])
        rows = max(min(int(asked["limit"]), size, self.total - start), 0)
        after = start + rows if start + rows < self.total else None
        if step.request.path.endswith("csv"):
            return csv_page(start, rows, after)
        return json_page(start, rows, after, total=self.total)


@given(
    total=st.integers(0, 40),
    start=st.integers(0, 40),
    length=st.integers(1, 40),
    sizes=st.lists(st.integers(1, 9), min_size=1).map(tuple),
    csv=st.booleans(),
)
def test_a_span_is_read_to_its_end_however_short_the_pages(total, start, length, sizes, csv):
    """Whatever page sizes the server chooses: the rows of the span, each once, in order."""
    span = Span(start, min(start + length, total))
    pages = []
    server = Server([], total=total, sizes=sizes)
    server.run(read_span(plan(total), span, pages, csv=csv))
    came = [n for page in pages for n in page.table["n"].to_pylist()]
    assert came == list(range(span.start, max(span.stop, span.start)))
    offsets = [dict(step.request.query)["offset"] for step in server.steps]
    assert len(set(offsets)) == len(offsets)


CONTRADICTIONS = {
    "an offset that does not move": [json_page(0, 5, 0)],
    "an offset that goes back": [json_page(0, 5, 5), json_page(5, 5, 3)],
    "an offset that would repeat rows": [json_page(0, 5, 4)],
    "an offset that would lose rows": [json_page(0, 5, 6)],
    "an early end": [json_page(0, 5)],
    "an early end later": [json_page(0, 5, 5), json_page(5, 4)],
    "more rows than were asked for": [json_page(0, 11)],
    "fewer rows than it counts": [json_page(0, 5, 5, row_count=6)],
    "more rows than it counts": [json_page(0, 5, 5, row_count=4)],
    "another total": [json_page(0, 5, 5, total=11)],
    "another run": [json_page(0, 10, execution_id=OTHER)],
    "no rows at all": [
        answer(200, {"execution_id": ID, "state": "QUERY_STATE_COMPLETED", "result": {}})
    ],
    "no result": [answer(200, {"execution_id": ID, "state": "QUERY_STATE_EXPIRED"})],
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_page_that_contradicts_itself_or_the_question_is_an_error(name):
    """Never a short frame, never a row twice: an error that names the execution and goes on."""
    with pytest.raises(errors.IncompleteResultError) as caught:
        read(plan(10), Span(0, 10), list(CONTRADICTIONS[name]))
    assert caught.value.execution_id == ID
    assert "read_dune_execution" in str(caught.value).splitlines()[-1]


CSV_CONTRADICTIONS = {
    "an offset that does not move": [csv_page(0, 5, 0)],
    "an offset that would repeat rows": [csv_page(0, 5, 4)],
    "an offset that would lose rows": [csv_page(0, 5, 6)],
    "an early end": [csv_page(0, 9)],
    "more rows than were asked for": [csv_page(0, 11)],
}


@pytest.mark.parametrize("name", CSV_CONTRADICTIONS)
def test_a_csv_page_that_contradicts_itself_or_the_question_is_an_error(name):
    """The same for CSV, which tells less."""
    with pytest.raises(errors.IncompleteResultError):
        read(plan(10), Span(0, 10), list(CSV_CONTRADICTIONS[name]), csv=True)


@pytest.mark.parametrize(
    "body", [b"", b"n", b"n\n0\n1", b'n\n"0\n', b"<html>\n</html>\n", b"m\n0\n"]
)
def test_a_csv_body_that_is_cut_or_none_is_asked_for_again(body):
    """What ends within a line or a text, or has another header, did not arrive."""
    came = read(plan(2), Span(0, 2), [answer(200, body), csv_page(0, 2)], csv=True)
    assert came == [0, 1]


def test_a_csv_page_of_which_nobody_tells_the_end_is_an_error():
    """With filters no total is sure, and CSV without a length can be cut between two lines."""
    with pytest.raises(errors.IncompleteResultError, match="may be missing"):
        read(plan(9, FILTERED), Span(0, 9), [answer(200, b"n\n0\n1\n")], csv=True)
    assert read(plan(2), Span(0, 2), [answer(200, b"n\n0\n1\n")], csv=True) == [0, 1]


def test_a_mark_of_the_byte_order_is_no_part_of_a_name():
    """A CSV body may begin with one, as files made for spreadsheets do."""
    assert read(plan(2), Span(0, 2), [answer(200, b"\xef\xbb\xbfn\n0\n1\n")], csv=True) == [0, 1]


def test_a_csv_value_that_does_not_fit_is_not_asked_for_again():
    """The page came whole; asking again would export it again, for the same value."""
    with pytest.raises(errors.DecodeError, match="'x'"):
        read(plan(2), Span(0, 2), [answer(200, b"n\n0\nx\n")], csv=True)


@pytest.mark.parametrize("after", [3, 5, 10])
def test_with_filters_offsets_may_count_what_did_not_match(after):
    """Whether they do is not known: any offset that moves on and repeats nothing is followed."""
    last = json_page(after, 0) if after < 10 else None
    outcomes = [json_page(0, 3, after, total=100), *([last] if last else [])]
    assert read(plan(100, FILTERED), Span(0, 10), outcomes) == [0, 1, 2]


FILTERED_CONTRADICTIONS = {
    "an offset that does not move": [json_page(0, 3, 0)],
    "an offset that would repeat rows": [json_page(0, 3, 2)],
    "an offset beyond the rows asked for": [json_page(0, 3, 11)],
    "fewer rows than it counts": [json_page(0, 3, row_count=4)],
}


@pytest.mark.parametrize("name", FILTERED_CONTRADICTIONS)
def test_with_filters_too_rows_are_neither_lost_nor_repeated(name):
    """What can be known with filters is checked; beyond a span the next one starts."""
    with pytest.raises(errors.IncompleteResultError):
        read(plan(100, FILTERED), Span(0, 10), list(FILTERED_CONTRADICTIONS[name]))


def test_without_a_total_the_pages_tell_the_end():
    """Old results tell no total: pages are followed until there is no next one."""
    outcomes = [json_page(0, 4, 4), json_page(4, 4, 8), json_page(8, 1)]
    assert read(plan(None), Span(0, 32_000), outcomes) == list(range(9))
    with pytest.raises(errors.IncompleteResultError):
        read(plan(None), Span(0, 32_000), [json_page(0, 4, 5)])


def test_a_sample_that_goes_on_is_an_error():
    """Dune gives no second page of a sample."""
    sample = plan(100, Window(sample_count=10))
    assert Replay([json_page(0, 7)]).run(read_sample(sample)).table.num_rows == 7
    with pytest.raises(errors.IncompleteResultError, match="smaller sample"):
        Replay([json_page(0, 7, 7)]).run(read_sample(sample))


# The proof for CSV

PROOFS = {
    "none found": (json_page(0, 0), True),
    "none found, none counted": (json_page(0, 0, row_count=None), True),
    "one found": (json_page(0, 1), False),
    "refused": (answer(400, {"error": "filters: unknown function"}), None),
    "not paid": (answer(402, {"error": "limit"}), None),
    "of another run": (json_page(0, 0, execution_id=OTHER), None),
    "not the whole answer": (json_page(0, 0, 1), None),
    "counted and not there": (json_page(0, 0, row_count=1), None),
    "no result": (answer(200, {"execution_id": ID, "state": "QUERY_STATE_EXPIRED"}), None),
}


@pytest.mark.parametrize("name", PROOFS)
def test_the_proof_believes_only_a_clear_answer(name):
    """CSV is proved by an answer that leaves nothing open; anything else proves nothing."""
    outcome, proven = PROOFS[name]
    replay = Replay([outcome])
    assert replay.run(prove_csv(plan(10), {"n": "bigint"})) is proven
    asked = dict(replay.steps[0].request.query)
    assert asked["limit"] == "1"
    assert "9007199254740992" in asked["filters"]


def test_the_proof_is_asked_again_when_its_rows_are_broken():
    """Rows that are no JSON are a body that did not arrive, not an exception of the parser."""
    broken = json.dumps({"execution_id": ID, "state": "x", "result": {"rows": 1, "metadata": {}}})
    cut = broken.replace(" ", "").replace('"rows":1', '"rows":[{]').encode()
    replay = Replay([answer(200, cut), json_page(0, 0)])
    assert replay.run(prove_csv(plan(10), {"n": "bigint"})) is True
