"""How an error looks in a cell of IPython: its words and the user's own lines, not this library's.

IPython asks an exception for its `_render_traceback_`. Bugs, which are no errors of ours, keep all.
"""

from __future__ import annotations

import sys
import traceback
from functools import partial
from pathlib import Path

_PACKAGE = str(Path(__file__).parent)


def rendered(problem: BaseException) -> list[str]:
    """Return the user's lines that led to an error, and its words."""
    frames = traceback.extract_tb(problem.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_foreign())]
    return [*(f"{_place(frame)}\n    {frame.line}" for frame in own), words(problem)]


def show_own_lines(problem: BaseException) -> None:
    """Let an exception that is not of this library be shown as if it were."""
    problem.__dict__["_render_traceback_"] = partial(rendered, problem)


def words(problem: BaseException) -> str:
    """Return an error's name, message and notes."""
    lines = "".join(traceback.format_exception_only(problem)).rstrip()
    return lines.removeprefix(f"{type(problem).__module__}.")


def _foreign() -> tuple[str, ...]:
    """Return where code is that is not the user's."""
    import sysconfig

    folders = {sysconfig.get_path(name) for name in ("stdlib", "platlib", "purelib")}
    return (_PACKAGE, *folders)


def _place(frame: traceback.FrameSummary) -> str:
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = find() if find is not None else None
    name = shell.compile.format_code_name(frame.filename) if shell else None
    return f"{' '.join(name or ('File', frame.filename))}, line {frame.lineno}"
