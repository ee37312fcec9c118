"""The package as a whole: what it exports, what it imports, and that it installs."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

import dune_frames

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "dune_frames"

#: The rooms and the modules in them, on the way of the data. A module imports only what stands
#: before it: in its own room, or in a room before.
WAY_OF_THE_DATA = {
    "": ["_in_a_cell", "_facts", "errors", "progress"],
    "_types": ["constants", "moments", "numbers", "table", "cast", "schema"],
    "_ask": ["query", "params", "literals", "binding"],
    "_wire": ["endpoints", "envelope", "fields", "origin", "answers", "catalog", "plans", "refusal"],
    "_progress": ["viewer", "terminal", "notebooks", "watch"],
    "_network": [
        "key", "settings", "attempt", "connection", "exchange", "transport", "pace", "driver",
    ],
    "_run": ["source", "lifecycle", "account", "declared", "pin"],
    "_decode": ["evidence", "column", "native", "from_json", "from_csv", "decoders"],
    "_download": ["plan", "store", "cache", "spans", "pages", "proof", "download"],
    "_frame": [
        "python_values", "pandas_frame", "polars_frame", "frames", "spark", "sink", "provenance",
    ],
    "_predicate": [
        "algebra", "comparisons", "filters", "polars_values", "polars_reader", "spark_reader",
    ],
    "_read": ["options", "estimate", "read", "stack", "fan_out", "wishes", "scan", "calls"],
    "_parts": ["access", "cut", "parts", "planning", "texts", "frames", "divisions", "java"],
    "dune_frames": ["execution", "pipeline", "client", "_api", "__init__"],
}  # fmt: skip

#: What stands beside the way: programs, servers and engines on top of it.
BESIDE = {"cli", "local", "magic", "pytest_plugin.py", "dask.py", "spark.py"}

EXPORTS = {
    "Dune", "DuneError", "Execution", "PipelineExecution", "__version__", "errors",
    "execute_dune_pipeline", "execute_dune_query", "execute_dune_sql", "load_ipython_extension",
    "progress", "provenance",
    "read_dune_execution", "read_dune_execution_async",
    "read_dune_query", "read_dune_query_async",
    "read_dune_sql", "read_dune_sql_async",
    "scan_dune_execution", "scan_dune_query", "scan_dune_sql",
}  # fmt: skip


def _modules() -> list[str]:
    """Return the dotted names of all modules on the way, in its order."""
    rooms = {"": "", "dune_frames": ""}
    return [
        f"{rooms.get(room, room + '.')}{module}"
        for room, modules in WAY_OF_THE_DATA.items()
        for module in modules
    ]


def _imports(module: str) -> set[str]:
    """Return the modules on the way that a module imports, for types or for real."""
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            first, _, rest = node.module.partition(".")
            if first == "dune_frames":
                lead = f"{rest}." if rest else ""
                found |= {rest, *(lead + alias.name for alias in node.names)}
    return found & set(_modules())


def test_exports_are_what_users_type():
    """Everything that the package exports is meant, exists, and is listed once."""
    assert set(dune_frames.__all__) == EXPORTS
    assert len(dune_frames.__all__) == len(EXPORTS)
    for name in dune_frames.__all__:
        assert getattr(dune_frames, name) is not None


def test_every_module_of_the_core_stands_on_the_way_of_the_data():
    """No module of the core is left out of the order that the next test checks."""
    found = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in BESIDE
    }
    rooms = {f"{room}.__init__" for room in WAY_OF_THE_DATA}
    assert found - rooms == set(_modules())


@pytest.mark.parametrize("module", _modules())
def test_a_module_imports_only_what_stands_before_it(module):
    """The import order of the layers is the way of the data; there are no circles."""
    before = _modules()[: _modules().index(module)]
    assert _imports(module) <= {*before, *(["__init__"] if module == "__init__" else [])}


@pytest.mark.parametrize(
    ("library", "owner"), [("requests", "transport"), ("urllib3", "transport")]
)
def test_one_file_touches_the_network_library(library, owner):
    """Only one file of the package imports the network library."""
    users = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == library for name in names):
                users.add(path.stem)
    assert users == {owner}


def _loaded_after(code: str) -> set[str]:
    names = (
        "'pandas', 'polars', 'pyarrow', 'requests', 'numpy', 'duckdb', 'asyncio', 'IPython', 'rich'"
    )
    ending = f"; import sys; print(*[m for m in ({names},) if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code + ending], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_costs_nothing():
    """`import dune_frames` loads no frame library, no network library and nothing of notebooks."""
    assert _loaded_after("import dune_frames") == set()


def test_reading_polars_does_not_load_pandas():
    """Who reads polars frames never pays for pandas."""
    code = (
        "from dune_frames.local import LocalDune\n"
        "with LocalDune() as local:\n"
        "    local.client().read_sql('SELECT 1 AS one', frame='polars')\n"
        "1"
    )
    assert "pandas" not in _loaded_after(code)


@pytest.mark.parametrize(
    "command",
    [
        "pip install -q -e '.[test]' && python -m pytest\n",
        "pip install -q -e '.[test,examples]' && python -m pytest -n 0 -m notebook\n",
        "pip install -q -e '.[test,browser]' && python -m pytest -n 0 -m browser --screenshot ",
    ],
)
def test_readme_and_ci_run_the_same_tests(command):
    """The README's test commands are those that CI runs, word for word."""
    assert command in (ROOT / "README.md").read_text(encoding="utf-8")
    assert command in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_lowest_versions_are_the_bounds():
    """What CI proves as lowest is exactly what the dependencies allow as lowest."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = dict(each.split(">=") for each in project["dependencies"])
    text = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8")
    pins = dict(line.split("==") for line in text.splitlines() if "==" in line)
    padded = {name: version + ".0" * (2 - version.count(".")) for name, version in bounds.items()}
    assert pins == padded


@pytest.mark.wheel
def test_the_wheel_installs_and_runs_in_an_empty_environment(tmp_path):
    """The wheel is whole: with its dependencies alone it imports and refuses."""
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    venv.create(tmp_path / "empty", with_pip=True)
    python = tmp_path / "empty" / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True, capture_output=True)
    code = (
        "import dune_frames as d, importlib.resources as r\n"
        "assert r.files('dune_frames').joinpath('py.typed').is_file()\n"
        "try: d.read_dune_query(1)\n"
        "except d.errors.ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env={}, capture_output=True, text=True, check=True
    )
    assert "no Dune API key" in done.stdout
