"""Help, version, completion, and how fast the program starts."""

from __future__ import annotations

from dataclasses import fields

import dune_frames
from dune_frames._read.options import Reading
from dune_frames.cli.endings import EPILOG
from dune_frames.cli.flags import ReadingFlags

COMMANDS = ["query", "sql", "execution", "status", "cancel", "pipeline", "cache", "local"]


def test_help_tells_options_and_exit_status(bare_shell):
    """--help of each command is a result: on stdout, with the exit statuses, without an account."""
    helps = bare_shell.together(["-h"], *([each, "--help"] for each in COMMANDS))
    assert [(each.status, each.err) for each in helps] == [(0, "")] * len(helps)
    assert all(f" {each} " in helps[0].out for each in COMMANDS)
    for help_ in helps:
        assert " ".join(EPILOG.split()) in " ".join(help_.out.split())
    for command, help_ in zip(COMMANDS, helps[1:], strict=True):
        assert f"dune-frames {command}" in help_.out
        reads = command in {"query", "sql", "execution"}
        assert all((name in help_.out) == reads for name in ("--limit", "--uint256"))
        assert ("--output" in help_.out) == (reads or command == "pipeline")
        assert ("--local" in help_.out) == (command in {"query", "sql", "pipeline"})


def test_reading_commands_take_every_option_of_the_library():
    """Each option of a read is an option of the shell, but for those that only Python can give."""
    only_python = {"schema_overrides", "dtype_backend", "progress"}
    shell = {each.name for each in fields(ReadingFlags)}
    assert shell == {each.name for each in fields(Reading)} - only_python


def test_version(bare_shell):
    """--version is the package's."""
    ended = bare_shell("--version")
    assert (ended.status, ended.out) == (0, f"dune-frames {dune_frames.__version__}\n")


def test_completion_knows_commands_and_choices(bare_shell):
    """The shell's completion proposes commands and the choices of options."""
    asked = {"_DUNE_FRAMES_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "dune-frames exec"}
    assert "execution" in bare_shell(**asked).out
    asked["_TYPER_COMPLETE_ARGS"] = "dune-frames sql --uint256 dec"
    assert "decimal" in bare_shell(**asked).out


def test_starting_loads_nothing_heavy(bare_shell):
    """Until a command needs them, no frame library, server or engine is loaded."""
    heavy = "{'pandas', 'polars', 'pyarrow', 'numpy', 'duckdb', 'requests', 'asyncio', 'rich'}"
    program = (
        "import sys; from dune_frames.cli import main\n"
        "try: main()\n"
        f"finally: print(sorted({heavy} & sys.modules.keys()))"
    )
    ended = bare_shell.python(program, "--version")
    assert ended.out.splitlines()[1] == "[]"
