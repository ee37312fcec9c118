"""Spark: its frames are the eager table, for the price of what they use.

``python -m pytest -n 0 -m spark``, with ``dune-frames[spark]`` and Java 17 or later.
"""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from every_type import store_every_type

from dune_frames import Dune
from dune_frames._frame.spark import for_spark, spark_schema
from dune_frames.local import LocalDune
from tests.bench.server import served

pytest.importorskip("pyspark", reason="needs the extra 'spark'")
pytestmark = [
    pytest.mark.spark,
    pytest.mark.timeout(170),
    # Of PySpark's own, and of the processes that it leaves to the JVM.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

KEY = "kA9xQ2mZ7pL4vB1nT8rW5yC3"
ROWS = 200
TYPES = {
    "n": "bigint", "tens": "integer", "word": "varchar", "hash": "varbinary", "double": "double",
    "price": "decimal(10, 2)", "day": "date", "local": "timestamp(3)",
    "moment": "timestamp(3) with time zone", "wide": "uint256",
}  # fmt: skip
START = dt.datetime(2024, 1, 1)


def _row(n):
    return {
        "n": n,
        "tens": n // 10,
        "word": None if n % 7 == 0 else f"w{n % 5}",
        "hash": f"0x{n:04x}",
        "double": float("nan") if n % 11 == 0 else n / 4,
        "price": Decimal(n) / 4,
        "day": (START + dt.timedelta(days=n)).date(),
        "local": START + dt.timedelta(hours=n),
        "moment": (START + dt.timedelta(hours=n)).replace(tzinfo=dt.UTC),
        "wide": str(2**255 + n),
    }


NUMBERS = [_row(n) for n in range(ROWS)]


@pytest.fixture(scope="module")
def spark():
    """A session of two cores, far from UTC, that tries a task three times and pushes filters."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUNE_API_KEY", KEY)
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        from dune_frames.spark import DuneDataSource

        session = (
            SparkSession.builder.master("local[2,3]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.memory", "2g")
            .config("spark.sql.session.timeZone", "America/New_York")
            .config("spark.sql.python.filterPushdown.enabled", "true")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        session.dataSource.register(DuneDataSource)
        yield session
        session.stop()


@pytest.fixture(scope="module")
def local():
    with LocalDune(api_key=KEY, page_rows=16) as server:
        server.stored = server.store_result(NUMBERS, TYPES, query_id=7)
        yield server


@pytest.fixture(scope="module")
def client(local):
    with closing(local.client()) as made:
        yield made


def load(spark, local, **options):
    """Return the frame of options; of the stored result where none names another."""
    if not {"query_id", "sql", "execution_id"} & set(options):
        options["execution_id"] = local.stored
    told = {"base_url": local.url, "partition_rows": 50, "cache": "false"} | options
    return spark.read.format("dune").options(**told).load()


def eager(client, execution_id, **options):
    """Return the eager table in Spark's types."""
    table = client.read_execution(execution_id, frame="pyarrow", cache=False, **options)
    return for_spark(table, spark_schema(table.schema))


def assert_same(frame, table):
    """Compare what Spark collected with a table, value by value."""
    got = frame.toArrow()
    assert got.schema.names == table.schema.names
    assert got.num_rows == table.num_rows
    for name in table.schema.names:
        mine, other = got[name], table[name]
        # As texts, because NaN is no other NaN.
        assert repr(mine.cast(other.type).to_pylist()) == repr(other.to_pylist()), name


def failure(frame_of):
    """Return what Spark says when something fails."""
    from pyspark.errors import PySparkException

    with pytest.raises(PySparkException) as raised:
        frame_of()
    return str(raised.value)


# Equal to the eager table


def test_every_type_comes_through(spark, local, client):
    """As Spark's own types, and no null, digit or instant is lost on the way."""
    stored = store_every_type(local, 40)
    frame = load(spark, local, execution_id=stored, partition_rows=9)
    assert frame.rdd.getNumPartitions() == 5
    assert_same(frame, eager(client, stored))
    types = dict(frame.dtypes)
    assert types == {
        "flag": "boolean", "tiny": "tinyint", "small": "smallint", "number": "int",
        "big": "bigint", "real": "float", "double": "double", "price": "decimal(10,3)",
        "whole": "decimal(38,0)", "wide": "string", "signed": "string", "text": "string",
        "hash": "string", "day": "date", "clock": "string", "local": "timestamp_ntz",
        "moment": "timestamp", "nanos": "timestamp_ntz", "span": "interval day to second",
        "months": "int", "list": "array<string>", "map": "map<string,bigint>",
        "row": "struct<a:bigint,b c:array<string>>", "nothing": "void",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("uint256", "kind"), [("string", "string"), ("decimal", "decimal(38,0)"), ("float64", "double")]
)
def test_wide_integers_are_what_was_chosen(spark, local, uint256, kind):
    """Text unless asked otherwise."""
    stored = local.store_result([{"v": "123"}, {"v": None}], {"v": "uint256"})
    frame = load(spark, local, execution_id=stored, uint256=uint256)
    assert frame.dtypes == [("v", kind)]
    assert [row.v if row.v is None else int(row.v) for row in frame.collect()] == [123, None]


def test_a_wide_integer_that_does_not_fit_is_an_error(spark, local):
    """It names the column; nothing is cut."""
    stored = local.store_result([{"v": str(2**255)}], {"v": "uint256"})
    said = failure(load(spark, local, execution_id=stored, uint256="decimal").collect)
    assert "'v'" in said
    assert stored in said


def test_bytes_and_overrides(spark, local):
    """`varbinary` and `schema_overrides` mean what they mean in Python."""
    frame = load(
        spark, local, varbinary="bytes", columns="hash,n", schema_overrides='{"n": "string"}'
    )
    assert frame.dtypes == [("hash", "binary"), ("n", "string")]
    assert frame.first()[:] == (b"\0\0", "0")


def test_a_result_without_rows_has_its_schema(spark, local):
    """And one empty partition."""
    stored = local.store_result([], TYPES)
    frame = load(spark, local, execution_id=stored)
    assert (frame.count(), frame.columns) == (0, list(TYPES))


@pytest.mark.parametrize(
    "options", [{"sort_by": "n desc"}, {"limit": 70, "offset": 33}, {"filters": "tens = 3"}]
)
def test_a_window_is_the_eager_one(spark, local, client, options):
    """In the same order."""
    assert_same(
        load(spark, local, **options),
        eager(client, local.stored, **options),
    )


def test_a_query_and_sql_are_run_and_read_once(spark, local):
    """One load, one execution: actions read it again, and a newer run changes nothing."""
    local.clear_requests()
    frame = load(spark, local, sql="SELECT {{n}} AS n", params='{"n": 5}')
    assert (frame.count(), frame.first().n, frame.count()) == (1, 5, 1)
    asked = [request.endpoint for request in local.requests]
    assert asked.count("execute_sql") == 1
    by_query = load(spark, local, query_id=7)
    local.store_result(NUMBERS[:3], TYPES, query_id=7)
    assert by_query.count() == ROWS


# What it costs


def exported(local):
    """Return the columns, and the number of rows, that left the server."""
    columns = {request.query.get("columns") for request in local.requests if request.rows}
    return columns, sum(request.rows for request in local.requests)


@pytest.mark.parametrize("way", ["option", "schema"])
def test_only_the_columns_that_are_chosen_are_exported(spark, local, way):
    """By the option `columns`, or by a schema of the user's."""
    local.clear_requests()
    if way == "option":
        frame = load(spark, local, columns="word,n")
    else:
        frame = (
            spark.read.format("dune").schema("word string, n bigint")
            .options(base_url=local.url, execution_id=local.stored, cache="false").load()
        )  # fmt: skip
    assert [row[:] for row in frame.take(2)] == [(None, 0), ("w1", 1)]
    assert exported(local)[0] == {"word,n"}


def test_a_schema_that_is_not_the_results_is_refused(spark, local):
    """Types are not converted behind the user's back."""
    source = spark.read.format("dune").options(base_url=local.url, execution_id=local.stored)
    said = failure(source.schema("n int").load().collect)
    assert "no column 'n' of type int" in said


CONDITIONS = [
    ("n = 17", 1, True),
    ("n IN (1, 2, 300)", 2, True),
    ("n >= 150 AND word = 'w1'", None, True),
    ("word <=> 'w3'", None, True),
    ("word LIKE 'w%' AND n < 20", None, True),
    ("word IS NULL", None, True),
    ("NOT (n < 190)", 10, True),
    ("n NOT IN (1, 2)", ROWS - 2, True),
    ("price > 12.25", None, True),
    ("day BETWEEN DATE'2024-02-01' AND DATE'2024-02-10'", 10, True),
    ("local >= TIMESTAMP_NTZ'2024-01-08 00:00:00'", None, True),
    ("moment < TIMESTAMP'2024-01-01 05:00:00Z'", 5, True),
    ("moment = TIMESTAMP'2024-01-01 00:00:00 America/New_York'", 1, True),
    ("hash = '0x0011'", 1, True),
    ("double < 3", None, True),
    ("double > 48", None, False),  # NaN is the largest number in Spark, and not on Dune
    (f"wide = '{2**255 + 4}'", 1, False),  # text in Spark, a number on Dune
    ("n % 50 = 0", 4, None),  # of which Spark tells that n is not null
    ("n = 3 OR n = 4", 2, None),
    ("hash = '0X0011'", 0, None),
    ("n < 0", 0, None),
]


@pytest.mark.parametrize(("condition", "count", "pushed"), CONDITIONS)
def test_conditions_give_the_same_rows_as_without_pushing(spark, local, condition, count, pushed):
    """Dune is asked for what it can say exactly, and never for less than Spark would keep."""
    columns = ["n", *(name for name in TYPES if name != "n" and name in condition)]
    local.clear_requests()
    rows = load(spark, local, columns=",".join(columns)).where(condition).collect()
    wanted, leaving = sorted(row.n for row in rows), exported(local)[1]
    spark.conf.set("spark.sql.python.filterPushdown.enabled", "false")
    try:
        plain = load(spark, local, columns=",".join(columns)).where(condition).collect()
    finally:
        spark.conf.set("spark.sql.python.filterPushdown.enabled", "true")
    assert wanted == sorted(row.n for row in plain)
    assert count in (None, len(wanted))
    if pushed is not None:
        # One row answers whether Dune takes the filter.
        assert leaving == (len(wanted) + 1 if pushed else ROWS)


def test_a_filter_and_two_columns_export_what_they_need(spark, local):
    """Ten rows of two columns, and the one row that tells that Dune takes the filter."""
    local.clear_requests()
    frame = load(spark, local, columns="n,word").where("n >= 30 AND n < 40")
    assert sorted(row.n for row in frame.collect()) == list(range(30, 40))
    assert exported(local) == ({"n", "n,word"}, 11)


def test_a_refused_filter_costs_bytes_alone(spark, local):
    """Then all rows come, and Spark filters them."""
    from dune_frames.local import Status

    frame = load(spark, local, columns="n").where("n = 17")
    local.inject(Status(400), endpoint="results")
    assert [row.n for row in frame.collect()] == [17]


def test_rows_are_exported_once_however_often_they_are_used(spark, client):
    """Every action computes anew; the rows come from the disk."""
    with LocalDune(api_key=KEY, page_rows=16) as own:
        stored = own.store_result(NUMBERS, TYPES)
        frame = load(spark, own, execution_id=stored, cache="true")
        own.clear_requests()
        assert frame.count() == frame.count() == len(frame.collect()) == ROWS
        assert exported(own)[1] == ROWS


# What goes wrong


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"limit": "ten"}, "limit='ten' is no whole number"),
        ({"api_key": "x"}, "the key is no option"),
        ({"colums": "n"}, "there is no option 'colums'"),
        ({"sql": "SELECT 1"}, "execution_id and sql|sql and execution_id"),
        ({"columns": "none"}, "the result has no column 'none'"),
        ({"execution_id": "nothing"}, "is invalid"),
    ],
)
def test_what_cannot_be_meant_is_said(spark, local, options, said):
    """At `load()`, in the library's own words, at the end of Spark's."""
    import re

    told = {"execution_id": local.stored} | options
    assert re.search(said, failure(lambda: load(spark, local, **told)))


def test_the_key_is_in_no_plan(spark, local):
    """Neither in what Spark explains nor in what it sends to executors."""
    frame = load(spark, local)
    shown = frame._jdf.queryExecution().toString()
    assert KEY not in shown


def test_a_killed_worker_loses_and_doubles_nothing(spark):
    """In the middle of its partition: Spark reads that one again."""
    rows = [{"n": n} for n in range(2_000)]
    with LocalDune(api_key=KEY, page_rows=50, latency=0.05) as slow:
        stored = slow.store_result(rows, {"n": "bigint"})
        frame = load(spark, slow, execution_id=stored, partition_rows=500, cache="true")
        slow.clear_requests()
        killed = []
        killer = threading.Thread(target=_kill_a_worker, args=(slow, killed))
        killer.start()
        computed = sorted(row.n for row in frame.collect())
        killer.join()
        assert killed
        assert computed == list(range(2_000))
        assert 2_000 <= exported(slow)[1] <= 2_000 + 3 * 50


def _kill_a_worker(local, killed):
    """Kill a Python process of this process's JVM that holds a connection to the server."""
    until = time.monotonic() + 60
    while exported(local)[1] < 500 and time.monotonic() < until:
        time.sleep(0.005)
    port = int(local.url.rpartition(":")[2])
    for pid in _descendants(os.getpid()):
        if pid != os.getpid() and _is_connected(pid, port):
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            return


def _descendants(pid):
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(status.parent.name))
    found = [pid]
    for each in found:
        found.extend(parents.get(each, []))
    return found[1:]


def _is_connected(pid, port):
    try:
        own = {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return False
    sockets = {f"socket:[{line.split()[9]}]" for line in lines
               if line.split()[2].endswith(f":{port:04X}")}  # fmt: skip
    return bool(own & sockets)


def _imported(environment):
    program = "import dune_frames.spark"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True,
        check=False, env={"HOME": "/", "LANG": "C.UTF-8"} | environment,
    )  # fmt: skip
    return done.stderr


def test_a_missing_java_is_named(tmp_path):
    """Before Spark is started, with the version that it needs; also an old one, and a wrong path."""
    said = "Spark needs Java 17 or later"
    assert f"{said}: no java on the PATH" in _imported({"PATH": str(tmp_path)})
    assert f"{said}: JAVA_HOME is {tmp_path}" in _imported({"JAVA_HOME": str(tmp_path)})
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch()
    (tmp_path / "release").write_text('JAVA_VERSION="1.8.0_392"\n')
    assert "is Java 8" in _imported({"JAVA_HOME": str(tmp_path)})
    (tmp_path / "release").write_text('JAVA_VERSION="21.0.2"\n')
    assert _imported({"JAVA_HOME": str(tmp_path)}) == ""


def test_workers_need_no_java_of_their_own(tmp_path):
    """They import the source, and their JVM runs already; nor does a client of Spark Connect."""
    nothing = {"PATH": str(tmp_path)}
    assert _imported(nothing | {"PYTHON_WORKER_FACTORY_SECRET": "x"}) == ""
    assert _imported(nothing | {"SPARK_REMOTE": "sc://localhost"}) == ""


# Large


def test_a_million_rows_on_two_cores_are_the_eager_table(spark):
    """Every value of eleven columns, 30 pages, in order."""
    with served() as server, closing(Dune(KEY, base_url=server.url)) as client:
        stored = server.store(1_000_000)
        frame = spark.read.format("dune").options(
            base_url=server.url, execution_id=stored, cache="false", partition_rows=128_000
        ).load()  # fmt: skip
        assert frame.rdd.getNumPartitions() == 8
        table = eager(client, stored)
        batches = iter(frame.toArrow().to_batches())
        place = 0
        for batch in batches:
            piece = pa.Table.from_batches([batch])
            other = table.slice(place, piece.num_rows)
            for name in table.schema.names:
                mine = piece[name].cast(other[name].type).combine_chunks()
                assert mine.equals(other[name].combine_chunks()), name
            place += piece.num_rows
        assert place == 1_000_000
