"""The proof that CSV carries a result exactly: one row is asked for that it would spoil.

CSV is three times cheaper to read than JSON, but it writes integers as floats and null as the text
``<nil>``. Whether a stored result holds such a value is a question that Dune's filters can answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dune_frames import _wire
from dune_frames._csv import spoiling_filter
from dune_frames._exchange import Flow, exchange
from dune_frames._query import Window
from dune_frames.errors import APIError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames._plan import Plan


def prove_csv(plan: Plan, column_types: Mapping[str, str]) -> Flow[bool | None]:
    """Ask whether no value of the result would be spoilt by CSV.

    One request of at most one row, over the whole stored result: the window's own filters only make
    it smaller. `None` means that the question was refused, or the answer leaves it open.
    """
    spoiling = spoiling_filter(column_types)
    if spoiling is None:
        return True
    window = Window(columns=(next(iter(column_types)),), filters=spoiling, limit=1)
    request = _wire.execution_results(plan.execution_id, window, allow_partial=plan.allow_partial)
    try:
        answer = yield from exchange(request, _wire.read_results)
    except APIError:
        return None
    if answer.rows is None or answer.next_offset is not None:
        return None
    return not json.loads(answer.rows)
