"""Usage: what an account has spent in its billing period."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, RefusedError, json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames.local.executions import Executions

_CREDITS_INCLUDED = 2500


def usage_answer(executions: Executions, body: Mapping[str, Any]) -> Answer:
    """Answer with one billing period, the present month, unless the body names dates.

    Raises
    ------
    RefusedError
        A date is none.
    """
    today = dt.datetime.now(dt.UTC).date()
    first = today.replace(day=1)
    period = {
        "start_date": _date(body, "start_date", first),
        "end_date": _date(body, "end_date", today),
        "credits_used": executions.total_cost(),
        "credits_included": _CREDITS_INCLUDED,
    }
    shown = {
        "private_queries": 0,
        "private_dashboards": 0,
        "bytes_used": 0,
        "bytes_allowed": 0,
        "billing_periods": [period],
    }
    return json_answer(shown)


def _date(body: Mapping[str, Any], name: str, otherwise: dt.date) -> str:
    given = body.get(name)
    if given is None:
        return otherwise.isoformat()
    try:
        return dt.date.fromisoformat(given).isoformat()
    except (TypeError, ValueError):
        raise RefusedError(400, f"invalid {name}: {given}") from None
