"""In a notebook: a bar below the cell that waits, gone at the end.

Jupyter's own display draws it, and marimo's own status: both are there wherever such a notebook
runs, and need no widgets, whose dead remains a saved notebook would show.
"""

from __future__ import annotations

import contextlib
import html
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dune_frames._progress.viewer import Draw, Shown


def is_jupyter() -> bool:
    """Tell whether this process is a kernel: whoever talks to one looks at its cells."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return find is not None and getattr(find(), "kernel", None) is not None


@contextlib.contextmanager
def below_a_jupyter_cell() -> Iterator[Draw]:
    """Give what draws a bar below the cell."""
    from IPython.display import display

    show: Any = display
    last = _NOTHING
    handle = show(last, raw=True, display_id=True)

    def draw(shown: Shown) -> None:
        nonlocal last
        if (new := _drawn(shown)) != last:  # each drawing starts the browser's animation anew
            last = new
            handle.update(new, raw=True)

    try:
        yield draw
    finally:
        handle.update(_NOTHING, raw=True)


_NOTHING = {"text/html": "", "text/plain": ""}


def _drawn(shown: Shown) -> dict[str, str]:
    value = "" if shown.fraction is None else f' value="{shown.fraction:.4f}"'
    bar = f'<progress class="dune-frames" max="1"{value} style="width: 20em"></progress>'
    return {"text/html": f"{bar} {html.escape(str(shown))}", "text/plain": str(shown)}


def is_marimo() -> bool:
    """Tell whether this thread runs a cell of a marimo notebook."""
    ask = getattr(sys.modules.get("marimo"), "running_in_notebook", None)
    return ask is not None and bool(ask())


@contextlib.contextmanager
def below_a_marimo_cell() -> Iterator[Draw]:
    """Give what tells marimo's spinner what to say."""
    import marimo

    with marimo.status.spinner(title="Dune", remove_on_exit=True) as spinner:
        yield lambda shown: spinner.update(subtitle=str(shown))
