"""Pages of one pinned execution: fetched and checked one by one, each row once."""

from __future__ import annotations

import io
from csv import Error as CsvError
from csv import reader
from functools import partial
from typing import TYPE_CHECKING

from dune_frames._decode.decoders import on_decoder
from dune_frames._decode.from_csv import decode_csv, ends_in_quotes
from dune_frames._decode.from_json import decode_json
from dune_frames._download.plan import LARGEST_PAGE, Page
from dune_frames._network.exchange import Flow, exchange
from dune_frames._wire import answers, endpoints
from dune_frames._wire.envelope import MalformedBodyError
from dune_frames.errors import IncompleteResultError

if TYPE_CHECKING:
    from dune_frames._ask.query import Window
    from dune_frames._download.plan import Plan, Span

#: How much of a CSV body is looked at for its header, in bytes.
_HEADER_BYTES = 1 << 16


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
        check_asked(plan, page, at, limit)
        check(plan, page, at, at + limit)
        pages.append(page)
        at = page.next_offset


def read_sample(plan: Plan) -> Flow[Page]:
    """Read a random sample: Dune gives it in one answer, because a sample has no offsets."""
    page = yield from _read_page(plan, plan.window, csv=False)
    check_sample(plan, page)
    return page


def _read_page(plan: Plan, part: Window, *, csv: bool) -> Flow[Page]:
    request = endpoints.execution_results(
        plan.execution_id, part, csv=csv, allow_partial=plan.allow_partial
    )
    read = partial(csv_page if csv else json_page, plan)
    return (yield from exchange(request, partial(on_decoder, read)))


def csv_page(plan: Plan, answer: endpoints.Answer) -> Page:
    """Decode a CSV answer; refuse a body that is cut short or no CSV of these columns.

    What is wrong with a value is not refused here: asking again would cost the same page again.
    """
    if not answer.body.endswith(b"\n") or ends_in_quotes(answer.body):
        raise MalformedBodyError("the CSV ends within a line")
    if not set(plan.schema.names) <= _header(answer.body):
        raise MalformedBodyError("it is not the CSV that was asked for")
    if plan.rows is None and not answers.tells_its_end(answer):
        raise _broken(
            plan,
            "neither the CSV nor the server tells how many rows there are, so some may be missing",
            "read it with format='json', which shows where it ends.",
        )
    return Page(
        decode_csv(answer.body, plan.schema), answers.read_csv_offset(answer), len(answer.body)
    )


def _header(body: bytes) -> set[str]:
    text = io.StringIO(body[:_HEADER_BYTES].decode("utf-8-sig", errors="replace"))
    try:
        return set(next(reader(text)))
    except (CsvError, StopIteration):
        return set()


def json_page(plan: Plan, answer: endpoints.Answer) -> Page:
    """Decode a JSON answer."""
    return page_of(plan, answers.read_results(answer), len(answer.body))


def page_of(plan: Plan, results: answers.Results, size: int) -> Page:
    """Decode the rows of JSON results; refuse those of another execution."""
    if results.status.execution_id != plan.execution_id:
        raise _broken(plan, f"a page is of another execution ({results.status.execution_id})")
    if results.rows is None:
        raise _broken(plan, f"a page has no rows array; the state is {results.status.state}")
    told = results.status.metadata or answers.Metadata(())
    if plan.rows is not None and told.total_row_count not in (None, plan.stored):
        raise _broken(
            plan, f"the result has {told.total_row_count} rows now and had {plan.stored} before"
        )
    page = Page(decode_json(results.rows, plan.schema), results.next_offset, size)
    if told.row_count not in (None, page.table.num_rows):
        raise _broken(plan, f"{page.table.num_rows} rows came in a page of {told.row_count}")
    return page


def check_asked(plan: Plan, page: Page, at: int, asked: int) -> None:
    """Refuse a page that goes beyond the rows that were asked for: the next span starts there."""
    if page.table.num_rows > asked:
        raise _broken(plan, f"{page.table.num_rows} rows came where {asked} were asked for")
    if page.next_offset is not None and page.next_offset > at + asked:
        raise _broken(plan, f"{asked} rows from {at} on are said to end at {page.next_offset}")


def check(plan: Plan, page: Page, at: int, stop: int) -> None:
    """Refuse a page that contradicts itself, or would lose or repeat rows."""
    rows, after = page.table.num_rows, page.next_offset
    if after is not None and (after <= at or after < at + rows):
        raise _broken(plan, f"{rows} rows came from offset {at} on, yet {after} is the next offset")
    if plan.window.filters:
        return  # offsets may count rows that did not match
    if after is not None and after > at + rows:
        raise _broken(plan, f"{rows} rows came from offset {at} on, yet {after} is the next offset")
    if after is None and plan.rows is not None and at + rows < stop:
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
