"""Usage: what an account has spent in its billing period."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from dune_frames.local.answers import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dune_frames.local.executions import Executions

_CREDITS_INCLUDED = 2500


def usage_answer(executions: Executions, body: Mapping[str, Any]) -> Answer:
    """Answer with one billing period, the present month, unless the body names dates."""
    today = dt.datetime.now(dt.UTC).date()
    first = today.replace(day=1)
    period = {
        "start_date": body.get("start_date", first.isoformat()),
        "end_date": body.get("end_date", today.isoformat()),
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
