"""The proof that CSV carries a result exactly: one row is asked for that it would spoil.

CSV is three times cheaper to read than JSON, but it writes integers as floats and null as the text
``<nil>``. Whether a stored result holds such a value is a question that Dune's filters can answer.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from dune_frames._ask.query import Window
from dune_frames._decode.from_csv import carries, spoiling_filter
from dune_frames._download.plan import SMALL_ROWS
from dune_frames._network.exchange import Flow, exchange
from dune_frames._wire import answers, endpoints
from dune_frames.errors import APIError, DecodeError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames._download.plan import Format, Plan


def csv_is_right(plan: Plan, wish: Format, column_types: Mapping[str, str] | None) -> Flow[bool]:
    """Decide whether pages come as CSV, asking the server where that is worth it.

    Parameters
    ----------
    plan : Plan
        What is read.
    wish : {"auto", "json", "csv"}
        What the caller wishes.
    column_types : Mapping of str to str, or None
        Dune's type texts by column name, where they are told.

    Raises
    ------
    DecodeError
        The caller wishes CSV, and CSV cannot carry the result.
    """
    if wish == "csv" and not _possible(column_types):
        raise _cannot(plan, "a column has a type that it does not carry")
    if column_types is None or not is_open(plan, wish, column_types):
        return False
    proven = yield from prove_csv(plan, column_types)
    if wish == "csv" and proven is False:
        raise _cannot(plan, "it has integers beyond 2^53 or the text '<nil>'")
    return proven is True or wish == "csv"


def is_open(plan: Plan, wish: Format, column_types: Mapping[str, str] | None) -> bool:
    """Tell whether only the server knows if pages may come as CSV."""
    small = plan.rows is not None and plan.rows <= SMALL_ROWS
    return _possible(column_types) and (wish == "csv" or (wish == "auto" and not small))


def _possible(column_types: Mapping[str, str] | None) -> bool:
    return column_types is not None and carries(column_types.values())


def _cannot(plan: Plan, why: str) -> DecodeError:
    return DecodeError(
        f"CSV cannot carry this result exactly: {why}",
        execution_id=plan.execution_id,
        advice="leave format='csv' out; format='auto' takes JSON where it must.",
    )


def prove_csv(plan: Plan, column_types: Mapping[str, str]) -> Flow[bool | None]:
    """Ask whether no value of the result would be spoilt by CSV.

    One request of at most one row, over the whole stored result: the window's own filters only make
    it smaller. `None` means that the question was refused, or the answer leaves it open.
    """
    spoiling = spoiling_filter(column_types)
    if spoiling is None:
        return True
    window = Window(columns=(next(iter(column_types)),), filters=spoiling, limit=1)
    request = endpoints.execution_results(
        plan.execution_id, window, allow_partial=plan.allow_partial
    )
    try:
        return (yield from exchange(request, partial(_found_none, plan)))
    except APIError:
        return None


def _found_none(plan: Plan, answer: endpoints.Answer) -> bool | None:
    """Read the answer: true for no row, false for one, `None` where it leaves the question open."""
    results = answers.read_results(answer)
    another = results.status.execution_id != plan.execution_id
    if another or results.rows is None or results.next_offset is not None:
        return None
    found, told = len(answers.row_objects(results.rows)), results.status.metadata
    return None if told and told.row_count not in (None, found) else not found
