"""The handle of one pipeline's execution: a query run together with what it depends on."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dune_frames._facts import ShowsFacts
from dune_frames._network.exchange import Sleep, Tell, exchange
from dune_frames._run.lifecycle import poll_pauses
from dune_frames._wire import catalog, endpoints, plans
from dune_frames.execution import Execution
from dune_frames.progress import RunningPipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._facts import Fact
    from dune_frames._network.exchange import Flow
    from dune_frames._read.calls import Calls
    from dune_frames._run.source import Saved
    from dune_frames._wire.catalog import PipelineStatus
    from dune_frames._wire.plans import Pipeline
    from dune_frames.progress import Progress

logger = logging.getLogger("dune_frames")


class PipelineExecution(ShowsFacts):
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
        self._told: PipelineStatus | None = None

    def _facts(self) -> Iterator[tuple[str, Fact]]:
        """Name the execution, and what this handle was told of it last."""
        yield "pipeline execution", self.pipeline_execution_id
        yield from () if self._told is None else self._told.news()

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

    def wait(self, timeout: float | None = None, *, progress: Progress = None) -> PipelineStatus:
        """Wait until the pipeline is over, asking in growing intervals.

        GET /pipelines/executions/{pipeline_execution_id}/status, free of charge.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most. The pipeline goes on afterwards: Dune has no way to stop it as
            a whole; `Execution.cancel` stops a node.
        progress : bool or callable, optional
            As in `Execution.wait`.

        Returns
        -------
        PipelineStatus
            Of the finished pipeline, however it ended: see its `failed` and `error`.

        Raises
        ------
        DeadlineError
            It is still under way after `timeout`.
        """
        return self._seen(self._calls.wait(_wait(self.pipeline_execution_id), timeout, progress))

    async def wait_async(
        self,
        timeout: float | None = None,  # noqa: ASYNC109 - as `wait`
        *,
        progress: Progress = None,
    ) -> PipelineStatus:
        """Do what `wait` does on an event loop. Afterwards `executions` asks nothing."""
        waiting = _wait(self.pipeline_execution_id)
        return self._seen(await self._calls.wait_async(waiting, timeout, progress))

    @property
    def executions(self) -> list[Execution]:
        """The execution of each node that has one by now, in Dune's order.

        Those of nodes that refresh a materialized view are among them: they wait, cancel and tell
        their state like any other. Asks for the status (free of charge) until the pipeline is known
        to be over.
        """
        told = self._told
        now = told if told is not None and told.is_finished else self.status()
        return [
            Execution(node.execution_id, self._calls) for node in now.nodes if node.execution_id
        ]

    def _seen(self, now: PipelineStatus) -> PipelineStatus:
        """Remember it: how it ended never changes."""
        self._told = now
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
        done = sum(node.is_finished for node in now.nodes)
        yield Tell(RunningPipeline(pipeline_execution_id, done, len(now.nodes)))
        yield Sleep(next(pauses))
    return now
