"""Spark: an execution as a source of Spark frames, whose partitions executors read.

It needs the extra ``dune-frames[spark]`` and Java 17 or later::

    from dune_frames.spark import DuneDataSource

    spark.dataSource.register(DuneDataSource)
    frame = spark.read.format("dune").option("query_id", 3493826).load()
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from dune_frames._frame.spark import for_spark, spark_schema
from dune_frames._parts.access import key_in
from dune_frames._parts.java import refuse_without_java
from dune_frames._parts.planning import narrowed
from dune_frames._parts.texts import read_texts
from dune_frames._predicate.spark_reader import read_filters
from dune_frames.client import Dune
from dune_frames.errors import ConfigurationError, InvalidRequestError

try:
    from pyspark import SparkContext
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    from pyspark.sql.pandas.types import from_arrow_schema
except ImportError as problem:
    raise ConfigurationError(
        f"dune_frames.spark needs PySpark 4.1 or later ({problem})",
        advice="pip install 'dune-frames[spark]'",
    ) from None

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from pyspark.sql.datasource import Filter
    from pyspark.sql.types import StructType

    from dune_frames._parts.parts import Parts

__all__ = ["DuneDataSource"]


class DuneDataSource(DataSource):
    """The source ``dune`` of ``spark.read.format("dune")``.

    ``load()`` settles on one execution, as `dune_frames.read_dune_query` does, running the query
    where that is needed; whatever is computed later is of that one. Exactly one of the options
    ``query_id`` (an id or URL), ``sql`` and ``execution_id`` says what is read.

    Parameters
    ----------
    options : mapping of str to str
        The options of `dune_frames.read_dune_query` as texts: ``params`` as a JSON object,
        ``columns`` as names between commas or a JSON list, ``schema_overrides`` as a JSON object of
        Arrow's names of types, flags as ``true`` and ``false``; ``max_age``, ``performance``,
        ``filters``, ``sort_by``, ``limit``, ``offset``, ``uint256``, ``varbinary``, ``format``,
        ``timeout``, ``allow_partial``, ``cache``, ``offline``, ``max_export_mb``. Besides
        ``partition_rows``, ``base_url``, and ``api_key_file``: a file that holds the key, on the
        driver and the executors; without it they take ``DUNE_API_KEY`` from their environment.

    Raises
    ------
    DuneError
        Spark shows it at the end of an error of its own.

    Notes
    -----
    Decimals, moments with and without time zone, arrays, maps and rows are Spark's own types.
    uint256 and int256 are text; ``uint256=decimal`` makes them ``decimal(38,0)``, and a value that
    does not fit is an error. Moments have microseconds, and an error where one has more digits.
    Times of day are text, intervals of months the number of their months.

    The columns of a frame are those of the option ``columns``, or of ``.schema(...)``, because
    Spark tells a Python source no columns. Its filters it tells when
    ``spark.sql.python.filterPushdown.enabled`` is true: what Dune can say exactly of them is then
    asked of Dune, and Spark applies all of them once more.

    Executors need this package in the Python that they run: ``PYSPARK_PYTHON`` names it. A task
    whose worker dies is tried again as often as ``spark.task.maxFailures`` says; a local master
    tries once, unless it is called ``local[2,3]``.

    Spark computes anew for every action. The rows that came are in the cache of the machine that
    read them; on several machines without a common folder (``DUNE_FRAMES_CACHE_DIR``) call
    ``persist()`` on what is used again.

    Examples
    --------
    >>> frame = (  # doctest: +SKIP
    ...     spark.read.format("dune")
    ...     .option("sql", "SELECT * FROM dex.trades")
    ...     .option("columns", "block_time,amount_usd")
    ...     .load()
    ... )
    """

    def __init__(self, options: Mapping[str, str]) -> None:
        super().__init__(options)
        # Here and not in schema(), which is not called when the user tells one.
        self._plan = _planned(options)

    @classmethod
    def name(cls) -> str:
        """Return the name of the format."""
        return "dune"

    def schema(self) -> StructType:
        """Return the schema, of the execution's metadata alone."""
        schema: StructType = from_arrow_schema(
            spark_schema(self._plan.schema), prefer_timestamp_ntz=True
        )
        return schema

    def reader(self, schema: StructType) -> DuneReader:
        """Return what reads the columns of a schema."""
        _refuse_others(schema, self.schema())
        kind = PushingReader if _spark_pushes_filters() else DuneReader
        return kind(self._plan.select(tuple(schema.names)), schema)


class DuneReader(DataSourceReader):
    """Reads the parts of a plan.

    Parameters
    ----------
    plan : Parts
        The plan, of the columns of the schema.
    schema : StructType
        What Spark expects.
    """

    def __init__(self, plan: Parts, schema: StructType) -> None:
        self.plan = plan
        self._nullable = [field.nullable for field in schema]

    def partitions(self) -> Sequence[InputPartition]:
        """Return the parts as Spark's partitions."""
        return [InputPartition(part) for part in self.plan.parts]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Yield the rows of a part, page by page."""
        schema = self._schema()
        for table in self.plan.tables(partition.value):
            yield from for_spark(table, schema).combine_chunks().to_batches()

    def _schema(self) -> pa.Schema:
        import pyarrow as pa

        fields = zip(spark_schema(self.plan.schema), self._nullable, strict=True)
        return pa.schema([field.with_nullable(nullable) for field, nullable in fields])


class PushingReader(DuneReader):
    """Reads what Spark's filters leave, as far as Dune can tell."""

    def pushFilters(self, filters: list[Filter]) -> Sequence[Filter]:  # noqa: N802 - Spark's name
        """Ask Dune for what it can say exactly; return all filters, for Spark to apply them."""
        if filters:
            self.plan = narrowed(self.plan, read_filters(filters))
        return filters


def _spark_pushes_filters() -> bool:
    """Tell whether Spark is about to push filters in this process.

    A reader with `pushFilters` is an error to Spark as long as its setting for it is off, and the
    setting is told to no source.
    """
    return "pyspark.sql.worker.data_source_pushdown_filters" in sys.modules


def _planned(options: Mapping[str, str]) -> Parts:
    told = read_texts(options)
    key_file = told.connection.get("api_key_file")
    client = Dune(
        None if key_file is None else key_in(key_file), base_url=told.connection.get("base_url")
    )
    plan: Any = {
        "query_id": client.plan_query,
        "sql": client.plan_sql,
        "execution_id": client.plan_execution,
    }[told.source]
    parts: Parts = plan(told.reference, api_key_file=key_file, progress=False, **told.options)
    return parts


def _refuse_others(asked: StructType, own: StructType) -> None:
    """Refuse a schema that is no selection of the result's own columns."""
    types = {field.name: field.dataType for field in own}
    for field in asked:
        if types.get(field.name) != field.dataType:
            raise InvalidRequestError(
                f"the result has no column {field.name!r} of type {field.dataType.simpleString()}",
                advice=f"its schema is {own.simpleString()}; cast in Spark, or in the SQL.",
            )


refuse_without_java(
    started=SparkContext._gateway is not None  # noqa: SLF001 - PySpark tells it nowhere else
)
