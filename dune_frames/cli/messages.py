"""Messages: what goes to stderr beside the result, a line each."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Control characters, which could steer a terminal. Results and servers may send any of them.
_CONTROLS = dict.fromkeys((*range(0x20), *range(0x7F, 0xA0)), "\ufffd") | {0x09: " ", 0x0A: "\n"}


def harmless(text: str) -> str:
    """Return text that cannot steer the terminal it is shown on."""
    return text.translate(_CONTROLS)


def say(text: str) -> None:
    """Write a message. Nobody reading it is no reason to fail."""
    with contextlib.suppress(OSError):
        # On a terminal a line of progress may stand where the message goes.
        clear = "\r\x1b[K" if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else ""
        sys.stderr.write(f"{clear}dune-frames: {harmless(text)}\n")
        sys.stderr.flush()


class _Says(logging.Handler):
    """Says what the library logs."""

    def emit(self, record: logging.LogRecord) -> None:
        say(record.getMessage())


@contextlib.contextmanager
def saying(*, quiet: bool) -> Iterator[None]:
    """Say what the library logs and warns of meanwhile, unless it shall be quiet."""
    logger, handler = logging.getLogger("dune_frames"), _Says()
    logger.addHandler(handler)
    logger.setLevel(logging.CRITICAL if quiet else logging.INFO)
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_, **__: None if quiet else say(str(message))
        try:
            yield
        finally:
            logger.removeHandler(handler)
