"""The command that serves an embedded Dune: local."""

# typer reads these annotations at run time, so they are no strings here.

import contextlib
import time
from dataclasses import dataclass
from typing import Annotated

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


@dataclass(frozen=True, kw_only=True)
class ServingFlags(FurnishingFlags):
    """What an embedded Dune serves, where, and how slowly."""

    latency: Annotated[
        float, typer.Option(metavar="SECONDS", min=0, help="Wait before each answer.")
    ] = 0.0
    rate_limit: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Refuse more requests a minute; a free plan has 40."),
    ] = None
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")] = 0


def local(serving: ServingFlags) -> None:
    """Serve an embedded Dune with sample tables until Ctrl-C; print how to use it."""
    settings = {
        "latency": serving.latency,
        "rate_limit": serving.rate_limit,
        "port": serving.port,
    }
    with serving.served(**settings) as dune, contextlib.suppress(KeyboardInterrupt):
        typer.echo(_HOW_TO.format(url=dune.url), nl=False)
        while True:
            time.sleep(_A_WHILE)
