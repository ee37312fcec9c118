"""The command that runs a pipeline: pipeline."""

# typer reads these annotations at run time, so they are no strings here.

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from dune_frames._ask.query import query_id_of
from dune_frames._read.options import ReadOptions
from dune_frames._wire import catalog
from dune_frames.cli.access import LocalFlags
from dune_frames.cli.flags import ParameterFlags
from dune_frames.cli.messages import harmless
from dune_frames.cli.output import OutputFlags
from dune_frames.errors import DeadlineError, QueryFailedError
from dune_frames.pipeline import PipelineExecution


@dataclass(frozen=True, kw_only=True)
class PipelineFlags:
    """How to run a pipeline, and how to show what became of it."""

    performance: Annotated[
        str | None,
        typer.Option(metavar="TIER", help="Dune's tier for the runs; sent only when named."),
    ] = None
    timeout: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="How long to wait; the pipeline then goes on."),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print it as one JSON object.")] = False


def pipeline(
    query: Annotated[str, typer.Argument(help="The query's number or URL.", metavar="QUERY")],
    params: ParameterFlags,
    flags: PipelineFlags,
    output: OutputFlags,
    local: LocalFlags,
) -> None:
    """Run a saved query with all that it depends on; wait, and show the state of each node.

    With -o or --to the query's own result is written instead.
    """
    values = params.values
    with output.opened() as put, local.client() as dune:
        run = dune.execute_pipeline(query, values, performance=flags.performance)
        told = _end_of(run, flags.timeout, output.progress, goes_on=not local.local)
        if not output.is_data:
            typer.echo(_json_of(run, told) if flags.as_json else harmless(_text_of(run, told)))
        _refuse_failed(told)
        if output.is_data:
            own = next(node for node in told.nodes if node.query_id == query_id_of(query))
            execution = dune.execution(own.execution_id or "")
            options = ReadOptions(cache=not local.local, progress=output.progress)
            put(execution.read(frame="pyarrow", **options))


def _end_of(
    run: PipelineExecution, timeout: float | None, progress: bool | None, *, goes_on: bool
) -> catalog.PipelineStatus:
    try:
        return run.wait(timeout, progress=progress)
    except DeadlineError as problem:
        if goes_on:
            problem.message += f"; the pipeline {run.pipeline_execution_id} goes on"
        raise


def _refuse_failed(told: catalog.PipelineStatus) -> None:
    if told.failed:
        failed = next((node for node in told.nodes if node.failed), None)
        raise QueryFailedError(
            f"the pipeline ended as {told.state}: {told.error or (failed and failed.error) or ''}",
            execution_id=failed.execution_id if failed else None,
        )


def _json_of(run: PipelineExecution, told: catalog.PipelineStatus) -> str:
    shown = {"pipeline_execution_id": run.pipeline_execution_id} | asdict(told)
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _text_of(run: PipelineExecution, told: catalog.PipelineStatus) -> str:
    return "\n".join(_lines_of(run.pipeline_execution_id, told))


def _lines_of(pipeline_execution_id: str, told: catalog.PipelineStatus) -> Iterator[str]:
    yield f"{'pipeline execution id':<24} {pipeline_execution_id}"
    yield f"{'state':<24} {told.state}"
    for node in told.nodes:
        name = f"query {node.query_id}" if node.view_name is None else f"view {node.view_name}"
        facts = (name, node.state, node.execution_id, node.error)
        yield f"{f'node {node.node_id}':<24} {' '.join(each for each in facts if each)}"
