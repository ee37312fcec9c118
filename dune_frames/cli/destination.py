"""Destination: what takes a result, opened before anything is spent on it."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import typer

from dune_frames._download.store import appearing
from dune_frames.cli.formats import BINARY, FormatName, write
from dune_frames.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedWriter
    from pathlib import Path

    import pyarrow as pa

    #: Takes the result.
    Put: TypeAlias = Callable[[pa.Table], None]


@contextmanager
def to_file(path: Path, name: FormatName) -> Iterator[Put]:
    """Write to a file, which has its name only when it is whole; until then stays what was there.

    Raises
    ------
    InvalidRequestError
        Nothing can be written there.
    """
    if path.exists() and not path.is_file():
        with _open(path, path) as device:
            yield lambda table: _write(table, name, device)
        return
    with appearing(path.resolve()) as part, _open(part, path) as file:
        yield lambda table: _write(table, name, file)


def _open(file: Path, asked: Path) -> BufferedWriter:
    try:
        return file.open("wb")
    except OSError as problem:
        raise InvalidRequestError(
            f"{asked} cannot be written: {problem.strerror}", advice="name another file."
        ) from None


@contextmanager
def to_stdout(name: FormatName) -> Iterator[Put]:
    """Write to stdout in a format.

    Raises
    ------
    InvalidRequestError
        It is no text, and stdout a terminal.
    """
    if name in BINARY and sys.stdout.isatty():
        raise InvalidRequestError(
            f"a terminal cannot show {name}", advice="write it to a file with -o, or to a pipe."
        )
    # A buffer of its own, because Python's may be switched off, and then writes may be cut short.
    with open(sys.stdout.fileno(), "wb", closefd=False) as file:
        yield lambda table: _write(table, name, file)


def _write(table: pa.Table, name: FormatName, file: BufferedWriter) -> None:
    try:
        write(table, name, file)
        file.flush()
    except OSError:
        # What is still in the buffer has no place to go.
        file.raw.close()
        raise


def show(table: pa.Table) -> None:
    """Write a table to look at to stdout."""
    from dune_frames.cli.display import display

    typer.echo(display(table))
