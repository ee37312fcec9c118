"""The pytest plugin: `local_dune`, an embedded Dune for each test.

It is there as soon as dune_frames is installed, and costs nothing until a test asks for it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dune_frames.local import LocalDune

_MARKER = "local_dune(**settings): give this test a LocalDune of its own with these settings"


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def _shared_dune() -> Iterator[LocalDune]:
    """One embedded Dune for all tests: starting it once is what makes each test fast."""
    with _new_dune() as dune:
        yield dune


@pytest.fixture
def local_dune(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalDune]:
    """Give one test an embedded Dune, empty but for its sample tables.

    Whatever reads Dune in the test reads this one: ``DUNE_API_BASE_URL`` and ``DUNE_API_KEY`` point
    to it, for dune_frames as for Dune's own SDK, and results are in no cache but the test's own.
    Register tables, save queries and order faults (`LocalDune.inject`); `LocalDune.requests` are
    the requests that it saw. All of that is gone in the next test.

    The server itself is started once for all tests. A test marked ``local_dune(**settings)`` has
    one of its own with those settings, for example ``@pytest.mark.local_dune(rate_limit=40)``.
    """
    marker = request.node.get_closest_marker("local_dune")
    if marker is not None:
        with (
            _new_dune(**marker.kwargs) as dune,
            _environment(dune, tmp_path_factory.mktemp("dune")),
        ):
            yield dune
        return
    shared: LocalDune = request.getfixturevalue("_shared_dune")
    with _environment(shared, tmp_path_factory.mktemp("dune")):
        yield shared
    shared.reset()


def _new_dune(**settings: Any) -> LocalDune:
    try:
        from dune_frames.local import LocalDune
    except ModuleNotFoundError as problem:
        raise pytest.UsageError(
            f"local_dune needs {problem.name}, which is not installed: "
            "pip install 'dune-frames[local]'"
        ) from None
    return LocalDune(**settings)


@contextmanager
def _environment(dune: LocalDune, cache: Path) -> Iterator[None]:
    """Let every client of the environment be one of this server, with a cache of its own."""
    from dune_frames._api import default_client

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUNE_API_BASE_URL", dune.url)
        patch.setenv("DUNE_API_KEY", dune.key)
        patch.setenv("DUNE_FRAMES_CACHE_DIR", str(cache))
        yield
        default_client().close()
