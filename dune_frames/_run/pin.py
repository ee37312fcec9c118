"""From a source to one pinned execution: which run is taken, joined or started, and why."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from dune_frames import errors
from dune_frames._ask.query import Window
from dune_frames._network.exchange import Allowed, Flow, exchange
from dune_frames._run.lifecycle import of_execution, owning, start, wait
from dune_frames._run.source import Existing, Saved, Source, Sql
from dune_frames._wire import answers, endpoints
from dune_frames._wire.refusal import usable

if TYPE_CHECKING:
    from datetime import timedelta

logger = logging.getLogger("dune_frames")

#: How many rows the first request for a stored result asks for: a small result comes in one answer.
FIRST_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Ask:
    """What a read asks for, whatever it starts from.

    Attributes
    ----------
    window : Window
        Which rows and columns.
    allow_partial : bool
        Take what Dune kept of a result that was too large.
    cautious : bool
        Find out how large the result is before rows are exported.
    """

    window: Window = field(default_factory=Window)
    allow_partial: bool = False
    cautious: bool = False


@dataclass(frozen=True, slots=True)
class Pinned:
    """One finished execution, and the page of it that is already here.

    Attributes
    ----------
    status : Status
        With the metadata of the whole result.
    first : Results or None
        Its rows from the window's start on, when finding the execution brought some along.
    """

    status: answers.Status
    first: answers.Results | None = None


def pin(
    source: Source, ask: Ask, max_age: timedelta | None, known: answers.Status | None
) -> Flow[Pinned]:
    """Pin one finished run of a source.

    Parameters
    ----------
    source : Saved, Sql or Existing
        What to read.
    ask : Ask
        Which of its rows.
    max_age : timedelta or None
        How old an earlier result may be; an execution that was named is taken at any age.
    known : Status or None
        Of the latest run of the source that this machine knows, whose rows are probably on disk.
    """
    if isinstance(source, Existing):
        return pin_execution(source.execution_id, ask, known)
    if isinstance(source, Sql):
        return pin_sql(source, ask, max_age, known)
    return pin_latest(source, ask, max_age, known)


def pin_new(run: Saved | Sql, ask: Ask) -> Flow[Pinned]:
    """Run, wait, and pin the new execution."""
    execution_id = yield from start(run)
    now = yield from owning(execution_id, wait(execution_id))
    return (yield from _pin(now, ask, run.text if isinstance(run, Sql) else None))


def pin_execution(execution_id: str, ask: Ask, known: answers.Status | None = None) -> Flow[Pinned]:
    """Wait for an execution that somebody started, and pin it. It is never cancelled.

    Parameters
    ----------
    known : Status or None
        Its final status, when this machine has it already: then nothing is asked.
    """
    now = known or (yield from wait(execution_id))
    return (yield from _pin(now, ask))


def pin_sql(
    sql: Sql, ask: Ask, max_age: timedelta | None, known: answers.Status | None
) -> Flow[Pinned]:
    """Pin the run of this SQL that is known, when it is young enough; else run it."""
    if max_age and known and _is_young(known, max_age):
        return Pinned(usable(known, allow_partial=ask.allow_partial))
    return (yield from pin_new(sql, ask))


def _pin(now: answers.Status, ask: Ask, sql: str | None = None) -> Flow[Pinned]:
    """Pin a finished run; where its status does not describe the result, the first page does."""
    usable(now, sql=sql, allow_partial=ask.allow_partial)
    if now.metadata is not None and now.metadata.column_names:
        return Pinned(now)
    request = endpoints.execution_results(
        now.execution_id, _first_part(ask.window, FIRST_ROWS), allow_partial=ask.allow_partial
    )
    first = yield from exchange(request, answers.read_results)
    of_execution(now.execution_id, first.status)
    return Pinned(usable(first.status, sql=sql, allow_partial=ask.allow_partial), first)


def pin_latest(
    saved: Saved, ask: Ask, max_age: timedelta | None, known: answers.Status | None = None
) -> Flow[Pinned]:
    """Pin the stored result of a query when it is young enough; else join or start a run.

    Parameters
    ----------
    known : Status or None
        Of the latest run that this machine knows, whose rows are probably on disk.
    """
    if max_age is not None and not max_age:
        return (yield from pin_new(saved, ask))
    if max_age and known and _is_young(known, max_age):
        return Pinned(usable(known, allow_partial=ask.allow_partial))
    # One row is enough to find the run while its rows may not be wanted.
    rows = FIRST_ROWS if max_age is None and known is None and not ask.cautious else 1
    first = yield from _latest(saved, ask, rows)
    if first is None or not _is_taken(first, max_age):
        return (yield from pin_new(saved, ask))
    if not first.status.is_finished or first.rows is None:
        return (yield from pin_execution(first.status.execution_id, ask))
    if known and known.execution_id == first.status.execution_id:
        return Pinned(usable(known, allow_partial=ask.allow_partial), first)
    return Pinned(usable(first.status, allow_partial=ask.allow_partial), first)


def _is_taken(first: answers.Results, max_age: timedelta | None) -> bool:
    """Tell whether the latest run is taken or joined, and say why."""
    status = first.status
    if not status.is_finished:
        logger.info("execution %s is under way: joined", status.execution_id)
        return True
    if status.word in ("FAILED", "CANCELLED", "EXPIRED"):
        logger.info("the latest run ended as %s: executing", status.word)
        return False
    if max_age is not None and not _is_young(status, max_age):
        logger.info(
            "the latest result, of %s, is older than %s: executing", status.ended_at, max_age
        )
        return False
    logger.info("the latest result, of %s, is taken", status.ended_at)
    return True


def _is_young(status: answers.Status, max_age: timedelta) -> bool:
    """Judge a result's age by the end of its run."""
    ended = status.ended_at or status.submitted_at
    return ended is not None and datetime.now(UTC) - ended <= max_age


def _latest(saved: Saved, ask: Ask, rows: int) -> Flow[answers.Results | None]:
    """Ask for the stored result and its first rows; `None` where there is none."""
    request = endpoints.latest_results(
        saved.query_id,
        saved.parameters,
        _first_part(ask.window, rows),
        allow_partial=ask.allow_partial,
    )
    try:
        first = yield from exchange(request, answers.read_results)
    except errors.NoStoredResultError:
        logger.info("query %s has no stored result: executing", saved.query_id)
        return None
    if first.status.query_id not in (None, saved.query_id):
        raise errors.IncompleteResultError(
            f"the answer about query {saved.query_id} is of query {first.status.query_id}",
            execution_id=first.status.execution_id,
            query_id=saved.query_id,
        )
    yield Allowed(first.status.max_inflight_interactive_executions)
    return first


def _first_part(window: Window, rows: int) -> Window:
    """Return the first rows of a window; never none, which a server could take for "no limit"."""
    if window.sample_count is not None:
        return window
    wanted = rows if window.limit is None else min(rows, window.limit)
    return window.page(window.start, max(1, wanted))


def latest_id(saved: Saved) -> Flow[str]:
    """Ask for the id of the latest run of a query."""
    request = endpoints.latest_results(
        saved.query_id, saved.parameters, Window(limit=1), allow_partial=True
    )
    return (yield from exchange(request, answers.read_results)).status.execution_id
