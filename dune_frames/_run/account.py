"""What an account may look up for free, on plans that have it: query texts and usage."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from dune_frames._network.exchange import exchange
from dune_frames._wire import catalog, endpoints
from dune_frames.errors import ForbiddenError, InvalidRequestError, PaymentRequiredError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._network.exchange import Flow


def saved_query(query_id: int) -> Flow[catalog.SavedQuery]:
    """Ask for a saved query."""
    with _naming_the_plan("reading a query's text"):
        return (yield from exchange(endpoints.saved_query(query_id), catalog.read_saved_query))


def usage(start_date: date | str | None, end_date: date | str | None) -> Flow[catalog.Usage]:
    """Ask for what the account has used."""
    request = endpoints.usage(_day("start_date", start_date), _day("end_date", end_date))
    with _naming_the_plan("usage data"):
        return (yield from exchange(request, catalog.read_usage))


@contextmanager
def _naming_the_plan(what: str) -> Iterator[None]:
    """Say that a refusal is about the plan."""
    try:
        yield
    except (ForbiddenError, PaymentRequiredError) as problem:
        problem.advice = (
            f"{what} over the API needs the right plan and key: see "
            "https://dune.com/settings/billing, and that the key belongs to the right team."
        )
        raise


def _day(name: str, day: date | str | None) -> date | None:
    with suppress(ValueError):
        day = date.fromisoformat(day) if isinstance(day, str) else day
    if day is None or (isinstance(day, date) and not isinstance(day, datetime)):
        return day
    raise InvalidRequestError(
        f"{name}={day!r} is no day", advice='give a datetime.date, or text like "2025-01-31".'
    )
