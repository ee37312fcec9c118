"""The runner: takes submitted executions through their states, each in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import duckdb

from dune_frames.local.failures import failure, internal_failure, timeout_failure
from dune_frames.local.sql import SqlError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dune_frames.local.engine import Engine
    from dune_frames.local.executions import Execution, ExecutionError, Executions
    from dune_frames.local.results import Result
    from dune_frames.local.settings import Settings

_LOGGER = logging.getLogger("dune_frames.local")


class Runner:
    """Runs executions: they wait, execute, and end with a result or an error."""

    def __init__(self, engine: Engine, executions: Executions, settings: Settings) -> None:
        self._engine = engine
        self._executions = executions
        self._settings = settings
        self._threads: set[threading.Thread] = set()

    def submit(self, execution: Execution) -> Execution:
        """Take an execution in and start it."""
        self._executions.add(execution)
        self.begin(partial(self.run, execution))
        return execution

    def begin(self, work: Callable[[], None]) -> None:
        """Do work that runs executions, in a thread of its own."""

        def do() -> None:
            work()
            self._threads.discard(threading.current_thread())

        thread = threading.Thread(target=do, daemon=True, name="dune-frames-execution")
        self._threads.add(thread)
        thread.start()

    def stop(self) -> None:
        """Cancel whatever runs, and wait until it has stopped."""
        self._executions.cancel_all()
        for thread in list(self._threads):
            thread.join()

    def run(self, execution: Execution, results: Mapping[str, Result] | None = None) -> None:
        """Take an execution through its states.

        Parameters
        ----------
        execution : Execution
            One that was taken in.
        results : mapping of str to Result, optional
            Results that its SQL reads, by the names that it has for them.
        """
        execution.stopped.wait(self._settings.queue_seconds)
        if self._executions.start(execution.execution_id):
            began = time.monotonic()
            outcome = self._outcome(execution, results or {})
            left = self._settings.execution_seconds - (time.monotonic() - began)
            execution.stopped.wait(max(left, 0))
            self._executions.finish(execution.execution_id, outcome)

    def _outcome(
        self, execution: Execution, results: Mapping[str, Result]
    ) -> Result | ExecutionError:
        """Run the query. Whatever goes wrong ends the run, so that nobody polls for ever."""
        timeout = self._settings.execution_timeout
        try:
            return self._engine.run(execution.sql, execution.stopped, timeout, results)
        except duckdb.InterruptException:
            return timeout_failure(timeout, execution)
        except (duckdb.Error, SqlError) as error:
            return failure(error, execution)
        except Exception:
            _LOGGER.exception("the embedded Dune failed to run %s", execution.execution_id)
            return internal_failure(execution)
