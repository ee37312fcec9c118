"""The command that serves an embedded Dune: local."""

# typer reads these annotations at run time, so they are no strings here.

import contextlib
import time

import typer

from dune_frames.cli.embedded import FurnishingFlags

_HOW_TO = """\
# An embedded Dune serves at {url} until Ctrl-C. Other shells use it with:
export DUNE_API_BASE_URL={url}
export DUNE_API_KEY=local
# and then, for example: dune-frames sql "SELECT blockchain, count(*) FROM dex.trades GROUP BY 1"
"""

#: A sleep ends at Ctrl-C; waiting for an event does not, once polars has set its own handler.
_A_WHILE = 3600.0


def local(furnishing: FurnishingFlags) -> None:
    """Serve an embedded Dune with sample tables until Ctrl-C; print how to use it."""
    with furnishing.served() as dune, contextlib.suppress(KeyboardInterrupt):
        typer.echo(_HOW_TO.format(url=dune.url), nl=False)
        while True:
            time.sleep(_A_WHILE)
