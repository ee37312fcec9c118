"""Pages of one pinned execution: fetched and checked one by one, each row once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dune_frames import _wire
from dune_frames._csv import decode_csv
from dune_frames._exchange import Flow, exchange
from dune_frames._json import decode_json
from dune_frames._plan import LARGEST_PAGE, Page
from dune_frames.errors import IncompleteResultError

if TYPE_CHECKING:
    from dune_frames._plan import Plan, Span
    from dune_frames._query import Window


def read_span(plan: Plan, span: Span, pages: list[Page], *, csv: bool) -> Flow[None]:
    """Read a span to its end, page by page, however short the server makes its pages.

    Parameters
    ----------
    pages : list of Page
        Takes them as they come, so that they are there even when a later one fails. The last page
        has no `next_offset` where the result itself ends.
    """
    at: int | None = span.start
    while at is not None and at < span.stop:
        limit = min(span.stop - at, LARGEST_PAGE)
        page = yield from _read_page(plan, plan.window.page(at, limit), csv=csv)
        if page.table.num_rows > limit:
            raise _broken(plan, f"{page.table.num_rows} rows came where {limit} were asked for")
        check(plan, page, at, at + limit)
        pages.append(page)
        at = page.next_offset


def read_sample(plan: Plan) -> Flow[Page]:
    """Read a random sample: Dune gives it in one answer, because a sample has no offsets."""
    page = yield from _read_page(plan, plan.window, csv=False)
    check_sample(plan, page)
    return page


def _read_page(plan: Plan, part: Window, *, csv: bool) -> Flow[Page]:
    request = _wire.execution_results(
        plan.execution_id, part, csv=csv, allow_partial=plan.allow_partial
    )
    return (yield from exchange(request, partial(csv_page if csv else json_page, plan)))


def csv_page(plan: Plan, answer: _wire.Answer) -> Page:
    """Decode a CSV answer."""
    if not answer.body.endswith(b"\n"):
        raise _wire.MalformedBodyError("the CSV body ends within a line")
    return Page(
        decode_csv(answer.body, plan.schema), _wire.read_csv_offset(answer), len(answer.body)
    )


def json_page(plan: Plan, answer: _wire.Answer) -> Page:
    """Decode a JSON answer."""
    return page_of(plan, _wire.read_results(answer), len(answer.body))


def page_of(plan: Plan, results: _wire.Results, size: int) -> Page:
    """Decode the rows of JSON results; refuse those of another execution."""
    if results.status.execution_id != plan.execution_id:
        raise _broken(plan, f"a page is of another execution ({results.status.execution_id})")
    if results.rows is None:
        raise _broken(plan, f"a page has no rows array; the state is {results.status.state}")
    metadata = results.status.metadata
    stored = metadata.total_row_count if metadata else None
    if plan.rows is not None and stored not in (None, plan.stored):
        raise _broken(plan, f"the result has {stored} rows now and had {plan.stored} before")
    return Page(decode_json(results.rows, plan.schema), results.next_offset, size)


def check(plan: Plan, page: Page, at: int, stop: int) -> None:
    """Refuse a page that contradicts the question, or would lose or repeat rows."""
    rows, after = page.table.num_rows, page.next_offset
    if after is not None and after <= at:
        raise _broken(plan, f"the page at offset {at} names {after} as the next offset")
    if plan.rows is None:
        return  # with filters, offsets may count rows that did not match
    if after is not None and after != at + rows:
        raise _broken(plan, f"{rows} rows came from offset {at} on, yet the next offset is {after}")
    if after is None and at + rows < stop:
        raise _broken(plan, f"the pages end at row {at + rows} of {plan.end}")


def check_sample(plan: Plan, page: Page) -> None:
    """Refuse a sample that goes on in a next page, which cannot be asked for."""
    if page.next_offset is not None:
        raise _broken(
            plan,
            f"the sample came in parts: {page.table.num_rows} rows of {plan.window.sample_count}",
            "draw a smaller sample: Dune gives no second page of one.",
        )


def _broken(plan: Plan, what: str, advice: str | None = None) -> IncompleteResultError:
    return IncompleteResultError(what, execution_id=plan.execution_id, advice=advice)
