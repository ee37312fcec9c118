"""The magic's line: which options it takes, what they mean, and what is refused before any request."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from types import SimpleNamespace

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

import dune_frames
from dune_frames import errors
from dune_frames._read.options import Running
from dune_frames.local import LocalDune
from dune_frames.magic import DuneMagics
from dune_frames.magic.completion import complete
from dune_frames.magic.options import OPTIONS

#: What no line can say, and what is said with -q.
ELSEWHERE = {"schema_overrides", "progress"}


@pytest.fixture(scope="module")
def shell():
    """A shell of IPython in this process, with the extension loaded."""
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    dune_frames.load_ipython_extension(shell)
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture(scope="module")
def local():
    """The Dune that the environment describes."""
    with LocalDune() as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUNE_API_BASE_URL", server.url)
        patch.setenv("DUNE_API_KEY", "any")
        yield server


def parsed(line):
    """Return what a line gives."""
    return DuneMagics()._parsed(line)


def test_every_option_of_a_read_is_an_option_of_the_magic():
    """The options are those of the library, named as there; a new one cannot be forgotten."""
    offered = {option.settings["dest"]: option for option in OPTIONS if "dest" in option.settings}
    assert {each.name for each in fields(Running)} - offered.keys() == ELSEWHERE
    for option in offered.values():
        assert option.settings["help"]


def test_flags_switch_what_is_not_the_default():
    """A flag is the contrary of its option's default."""
    for each in fields(Running):
        if isinstance(each.default, bool):
            flag = f"--{'no-' if each.default else ''}{each.name.replace('_', '-')}"
            assert parsed(flag) == {"what": None, each.name: not each.default}


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", {}),
        ("trades", {"what": "trades"}),
        ("--max-age 1h", {"max_age": "1h"}),
        ("--max-age 90", {"max_age": 90.0}),
        ("--columns 'a,\"b,c\"'", {"columns": ["a", "b,c"]}),
        ("--filters \"symbol = 'WETH'\" --limit 5", {"filters": "symbol = 'WETH'", "limit": 5}),
        ("--filters \"a = '$x {y}'\"", {"filters": "a = '$x {y}'"}),
        ("--timeout 1.5 --offset=3", {"timeout": 1.5, "offset": 3}),
        ("--uint256 string --frame polars", {"uint256": "string", "frame": "polars"}),
        ("-p a=1 -p 'b:=[1]' -q", {"pairs": ["a=1", "b:=[1]"], "quiet": True}),
    ],
)
def test_a_line_means_what_the_library_means(line, given):
    """What is given has the library's own values; what is not given is left to it."""
    assert parsed(line) == {"what": None} | given


@pytest.mark.parametrize(
    "line",
    ["--limit five", "--frame arrow", "--nonsense", "a b", "'open", "--uint256", "--timeout x"],
)
def test_a_line_that_cannot_be_meant_is_a_usage_error(line):
    """IPython shows those as one line."""
    with pytest.raises(UsageError):
        parsed(line)


@pytest.mark.parametrize(
    ("magic", "line", "words"),
    [
        ("cell", "12", "no variable name"),
        ("cell", "a-b", "no variable name"),
        ("cell", "class", "no variable name"),
        ("line", "", "name a query"),
        ("line", "01HKZJ2683PHF9Q9PHHQ8FW4Q1 -p a=1", "an execution is read as it is"),
        ("line", "01HKZJ2683PHF9Q9PHHQ8FW4Q1 --max-age 1h", "an execution is read as it is"),
        ("line", "01HKZJ2683PHF9Q9PHHQ8FW4Q1 --params", "an execution is read as it is"),
    ],
)
def test_what_names_nothing_is_refused_before_anything_is_sent(shell, local, magic, line, words):
    """A name must be a variable's, and an execution takes no parameters."""
    local.clear_requests()
    run = (
        partial(shell.run_cell_magic, cell="SELECT 1") if magic == "cell" else shell.run_line_magic
    )
    with pytest.raises(UsageError, match=words):
        run("dune", line)
    assert not local.requests


@pytest.mark.parametrize(
    "line", ["-p a", "-p a=1 -p a=2", "-p a:=x", "--params", "-p wrong=1", "--max-age soon"]
)
def test_parameters_that_do_not_fit_are_refused_before_anything_is_sent(shell, local, line):
    """The parameters are those of the shell's -p; each placeholder needs one."""
    local.clear_requests()
    with pytest.raises(errors.InvalidRequestError) as caught:
        shell.run_cell_magic("dune", line, "SELECT {{a_placeholder}} AS c")
    assert not local.requests
    (block,) = caught.value._render_traceback_()
    assert block.startswith("InvalidRequestError: ")


def test_a_cell_binds_its_name_and_nothing_else(shell, local, capsys):
    """The variable is set when the frame is whole; a failure leaves the old one."""
    shell.run_cell_magic("dune", "mine -q", "SELECT 5 AS five")
    assert shell.user_ns["mine"]["five"].tolist() == [5]
    assert capsys.readouterr().out == ""
    with pytest.raises(errors.QueryFailedError):
        shell.run_cell_magic("dune", "mine", "SELECT nothing")
    assert shell.user_ns["mine"]["five"].tolist() == [5]


def test_loading_again_changes_nothing(shell):
    """`%reload_ext` adds neither magic nor completion twice."""
    dune_frames.load_ipython_extension(shell)
    assert shell.Completer.custom_matchers.count(complete) == 1


@pytest.mark.parametrize("other", ["%time x --li", "SELECT --li", "dune --li"])
def test_other_lines_are_completed_by_others(other):
    """Only lines of this magic get its options, and nothing else is suppressed."""
    found = complete(SimpleNamespace(token="--li", text_until_cursor=other))
    assert found == {"completions": [], "suppress": False, "ordered": True}
