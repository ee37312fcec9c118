"""The reader: answers requests for the rows of an execution, and keeps what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.local.answers import Answer, RefusedError
from dune_frames.local.cache import Cache
from dune_frames.local.executions import COMPLETED, PARTIAL
from dune_frames.local.pages import Page, Pages
from dune_frames.local.responses import (
    Reading,
    csv_page_answer,
    json_page_answer,
    state_of,
    unfinished_answer,
)
from dune_frames.local.windows import Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from dune_frames.local.call import Call
    from dune_frames.local.engine import Engine
    from dune_frames.local.executions import Execution
    from dune_frames.local.settings import Quirks, Settings

_PARTIAL = "Partial Result, please request with 'allows_partial_results=true'"


class Reader:
    """Reads pages of executions as JSON or CSV."""

    def __init__(self, engine: Engine, settings: Settings) -> None:
        self._quirks = settings.quirks
        self._pages = Pages(engine, settings)
        self._answers: Cache[Answer] = Cache(settings.body_cache_mb * 2**20)

    def json(self, execution: Execution, call: Call) -> Answer:
        """Answer with a page in JSON, or without rows where there are none."""
        reading = self._reading(execution, call)
        if reading is None:
            return unfinished_answer(execution, self._quirks)
        return self._answered(reading, json_page_answer)

    def csv(self, execution: Execution, call: Call) -> Answer:
        """Answer with a page in CSV.

        Raises
        ------
        RefusedError
            The execution has no rows, not yet or never.
        """
        reading = self._reading(execution, call)
        if reading is None:
            state = state_of(execution, self._quirks)
            raise RefusedError(400, f"Query state is {state}, cannot provide CSV result")
        return self._answered(reading, csv_page_answer)

    def _reading(self, execution: Execution, call: Call) -> Reading | None:
        """Return what a request reads; None where the execution has nothing to read."""
        window = Window.of(call.query)
        if execution.state == PARTIAL and not window.allow_partial_results:
            raise RefusedError(400, _PARTIAL)
        if execution.result is None or execution.state not in (COMPLETED, PARTIAL):
            return None
        return Reading(execution, execution.result, window, call.base)

    def _answered(
        self, reading: Reading, write: Callable[[Reading, Page, Quirks], Answer]
    ) -> Answer:
        """Write a page, or take it from the cache; a sample is another one every time."""
        window = reading.window
        key = (write, reading.execution.execution_id, window, reading.base)
        answer = self._answers.get(key)
        if answer is None:
            page = self._pages.page(reading.execution, reading.result, window)
            answer = write(reading, page, self._quirks)
            if window.sample_count is None:
                self._answers.put(key, answer, len(answer.body))
        return answer
