"""The decoders: a few threads of this process on which pages become tables.

There are as many as cores, however many requests are under way. So the first pages of a wave are
ready, and the next requests sent, before the last ones are begun; and since every thread that
decodes keeps memory for the next time, a few of them keep little.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")


def on_decoder(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do work that keeps a core busy on one of the decoders, and return what it returns."""
    return decoding(work, *args, **kwargs).result()


def decoding(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Begin such work, and return what will have its result."""
    return _threads(os.getpid()).submit(work, *args, **kwargs)


@cache
def _threads(_process: int) -> ThreadPoolExecutor:
    """Return the decoders of a process: a forked one does not inherit its parent's threads."""
    import pyarrow as pa

    return ThreadPoolExecutor(pa.cpu_count(), thread_name_prefix="dune_frames_decoder")
