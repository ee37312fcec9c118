"""What all tests share."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine is no failure.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say where the picture of the browser test goes."""
    text = "keep the browser test's picture of a notebook in this PNG file"
    parser.addoption("--screenshot", type=Path, metavar="FILE", help=text)


@pytest.fixture(scope="session")
def examples() -> Path:
    """The recorded and official payloads; a test that needs them is skipped where they are not."""
    folder = SHARED / "wire" / "examples"
    if not folder.is_dir():
        pytest.skip("the recorded payloads (../shared/wire/examples) are not beside this checkout")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the tests out of the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUNE_FRAMES_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def recent_sdk() -> None:
    """Skip what needs the official SDK as it is now; with the lowest `requests` an old one comes."""
    if tuple(map(int, version("dune-client").split(".")[:2])) < (1, 12):
        pytest.skip("this dune-client is older than 1.12: it lacks SQL, pipelines and usage")
