"""Output: the options that say where a result goes, and the putting of it there."""

# typer reads these annotations at run time, so they are no strings here.

import json
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dune_frames._frame.provenance import KEY
from dune_frames.cli.destination import show, to_file, to_stdout
from dune_frames.cli.formats import FormatName, format_of
from dune_frames.cli.messages import saying
from dune_frames.errors import DuneError

if TYPE_CHECKING:
    import pyarrow as pa

    from dune_frames.cli.destination import Put

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class OutputFlags:
    """Where the result goes."""

    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file: .parquet, .csv, .json, .ndjson, .arrow or .feather.",
        ),
    ] = None
    to: Annotated[
        FormatName | None,
        typer.Option(help="Write in this format; without -o, to stdout instead of a table."),
    ] = None
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No messages and no progress on stderr, only errors."),
    ] = False

    @contextmanager
    def opened(self) -> Iterator["Put"]:
        """Open where the result goes before anything is spent on it; give what puts it there."""
        with saying(quiet=self.quiet):
            with self._destination() as put:
                yield lambda table: _put(table, put)
            if self._file:
                logger.info("written to %s", self._file)

    @property
    def progress(self) -> bool | None:
        """Whether a terminal shows what the command waits for."""
        return False if self.quiet else None

    @property
    def is_data(self) -> bool:
        """Whether it goes to a file or a pipe, and is not to be looked at."""
        return bool(self._file or self.to)

    @property
    def _file(self) -> Path | None:
        return None if self.output == Path("-") else self.output

    def _destination(self) -> AbstractContextManager["Put"]:
        if self._file:
            return to_file(self._file, self.to or format_of(self._file))
        return to_stdout(self.to) if self.to else nullcontext(show)


def _put(table: "pa.Table", put: "Put") -> None:
    """Put the table there. Where that fails, say how to have it without running it again."""
    import pyarrow as pa

    origin = json.loads((table.schema.metadata or {})[KEY.encode()])
    if origin["partial"]:
        logger.warning("this is only the part of the result that Dune kept")
    try:
        put(table)
    except BrokenPipeError:
        raise
    except (OSError, pa.ArrowException) as problem:
        raise DuneError(
            f"the result came and could not be written: {problem}",
            execution_id=origin["execution_id"],
            advice="make room, or take another format",
        ) from None
