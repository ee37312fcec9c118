"""What the documentation shows is run: docstring examples and the README's."""

from __future__ import annotations

import doctest
import importlib.util
import pkgutil
from pathlib import Path

import pandas as pd
import pytest

import dune_frames

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(dune_frames.__path__, "dune_frames.")
    if not module.name.rpartition(".")[2].startswith("__main__")
    and (module.name != "dune_frames.spark" or importlib.util.find_spec("pyspark"))
)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name):
    """Every example in a docstring gives what it shows."""
    failures, _ = doctest.testmod(importlib.import_module(name))
    assert not failures


@pytest.mark.skipif(pd.__version__ < "3", reason="the README shows frames as pandas 3 prints them")
def test_readme_examples_run():
    """Every example in the README gives what it shows."""
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failures, tried = doctest.testfile(
        str(ROOT / "README.md"), module_relative=False, optionflags=flags, encoding="utf-8"
    )
    assert tried
    assert not failures
