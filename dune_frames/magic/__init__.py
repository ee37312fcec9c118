"""The notebook magics ``%dune`` and ``%%dune``; ``%load_ext dune_frames`` adds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dune_frames.magic.completion import complete
from dune_frames.magic.magics import DuneMagics, local_dune

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["DuneMagics", "load_ipython_extension", "local_dune"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Add the magics to a shell, and what completes their options."""
    shell.register_magics(DuneMagics)
    matchers = shell.Completer.custom_matchers
    if complete not in matchers:  # `%reload_ext` comes here again
        matchers.append(complete)
