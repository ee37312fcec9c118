"""The command about what is kept on this machine: cache."""

# typer reads these annotations at run time, so they are no strings here.

from typing import Annotated

import typer

from dune_frames._download.cache import cache_folder, cache_size, clear_cache
from dune_frames.cli.messages import harmless

_MEGABYTE = 1_000_000


def cache(
    *,
    clear: Annotated[bool, typer.Option("--clear", help="Delete all that it holds.")] = False,
) -> None:
    """Show where results that were read before are kept, and how much; or delete them."""
    if clear:
        clear_cache()
    typer.echo(harmless(f"{'folder':<24} {cache_folder()}"))
    typer.echo(f"{'megabytes':<24} {cache_size() / _MEGABYTE:.3f}")
