"""What the tests of the embedded Dune share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from asking import Asker

from dune_frames.local import LocalDune

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def dune() -> Iterator[LocalDune]:
    with LocalDune() as running:
        yield running


@pytest.fixture(scope="module")
def ask(dune: LocalDune) -> Asker:
    return Asker(dune)


@pytest.fixture
def serve() -> Iterator[Any]:
    """Start servers with settings of their own; they close with the test."""
    started: list[LocalDune] = []

    def start(**settings: Any) -> Asker:
        started.append(LocalDune(**settings).start())
        return Asker(started[-1])

    yield start
    for running in started:
        running.close()
