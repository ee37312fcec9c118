"""The handle of one pipeline's execution: a query run together with what it depends on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dune_frames._network.exchange import Sleep, exchange
from dune_frames._run.lifecycle import poll_pauses
from dune_frames._wire import catalog, endpoints, plans
from dune_frames.execution import Execution

if TYPE_CHECKING:
    from dune_frames._network.exchange import Flow
    from dune_frames._read.calls import Calls
    from dune_frames._run.source import Saved
    from dune_frames._wire.catalog import PipelineStatus
    from dune_frames._wire.plans import Pipeline

logger = logging.getLogger("dune_frames")


class PipelineExecution:
    """One execution of a pipeline on Dune, finished or not.

    `execute_dune_pipeline` and `Dune.pipeline_execution` make these.

    Attributes
    ----------
    pipeline_execution_id : str
        Dune's id of it.
    """

    def __init__(self, pipeline_execution_id: str, calls: Calls) -> None:
        self.pipeline_execution_id = pipeline_execution_id
        self._calls = calls
        self._ended: PipelineStatus | None = None

    def __repr__(self) -> str:
        """Name the execution."""
        return f"PipelineExecution({self.pipeline_execution_id!r})"

    def status(self) -> PipelineStatus:
        """Ask for the state of the pipeline and of each of its nodes.

        GET /pipelines/executions/{pipeline_execution_id}/status, free of charge.

        Returns
        -------
        PipelineStatus
            Nodes that run a query and nodes that refresh a materialized view. A failure is a status
            too; it is not raised here.

        Raises
        ------
        APIError, TransportError
            Dune did not tell.
        """
        return self._seen(self._calls.run(_status(self.pipeline_execution_id)))

    async def status_async(self) -> PipelineStatus:
        """Do what `status` does on an event loop."""
        return self._seen(await self._calls.run_async(_status(self.pipeline_execution_id)))

    def wait(self, timeout: float | None = None) -> PipelineStatus:
        """Wait until the pipeline is over, asking in growing intervals.

        GET /pipelines/executions/{pipeline_execution_id}/status, free of charge.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. The pipeline goes on afterwards: Dune has no way to stop it as
            a whole; `Execution.cancel` stops a node.

        Returns
        -------
        PipelineStatus
            Of the finished pipeline, however it ended: see its `failed` and `error`.

        Raises
        ------
        DeadlineError
            It is still under way after `timeout`.
        """
        return self._seen(self._calls.run(_wait(self.pipeline_execution_id), timeout))

    async def wait_async(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as `wait`
    ) -> PipelineStatus:
        """Do what `wait` does on an event loop. Afterwards `executions` asks nothing."""
        return self._seen(await self._calls.run_async(_wait(self.pipeline_execution_id), timeout))

    @property
    def executions(self) -> list[Execution]:
        """The execution of each node that has one by now, in Dune's order.

        Those of nodes that refresh a materialized view are among them: they wait, cancel and tell
        their state like any other. Asks for the status (free of charge) until the pipeline is known
        to be over.
        """
        now = self._ended or self.status()
        return [
            Execution(node.execution_id, self._calls) for node in now.nodes if node.execution_id
        ]

    def _seen(self, now: PipelineStatus) -> PipelineStatus:
        """Remember how it ended: that never changes."""
        self._ended = now if now.is_finished else None
        return now


def plan(run: Saved) -> Flow[Pipeline]:
    """Ask what the pipeline of a query would run."""
    request = endpoints.pipeline_of(run.query_id, run.parameters, run.performance)
    return (yield from exchange(request, plans.read_plan))


def start(run: Saved | Pipeline) -> Flow[str]:
    """Start a pipeline; return the id of its execution."""
    if isinstance(run, plans.Pipeline):
        request = endpoints.execute_plan(plans.body_of(run))
    else:
        request = endpoints.execute_pipeline(run.query_id, run.parameters, run.performance)
    started = yield from exchange(request, catalog.read_pipeline_started)
    logger.info("pipeline execution %s started", started)
    try:
        # An interrupt that came while the answer was on its way is raised here.
        yield Sleep(0)
    except BaseException as interrupt:
        interrupt.add_note(
            f"dune_frames: the pipeline goes on: Dune.pipeline_execution({started!r}) takes it up."
        )
        raise
    return started


def _status(pipeline_execution_id: str) -> Flow[PipelineStatus]:
    request = endpoints.pipeline_status(pipeline_execution_id)
    return (yield from exchange(request, catalog.read_pipeline_status))


def _wait(pipeline_execution_id: str) -> Flow[PipelineStatus]:
    pauses = poll_pauses()
    while not (now := (yield from _status(pipeline_execution_id))).is_finished:
        yield Sleep(next(pauses))
    return now
