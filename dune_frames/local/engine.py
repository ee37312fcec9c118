"""The engine: DuckDB with the tables of the embedded Dune, closed to files and network."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np
import pyarrow as pa

from dune_frames.local import udfs
from dune_frames.local.clock import new_ulid
from dune_frames.local.duckdb_types import computed_type
from dune_frames.local.frames import Types, arrow_table, typed_result
from dune_frames.local.relations import check_types, result_of, untyped_result_of
from dune_frames.local.samples import sample, sample_names
from dune_frames.local.sql import SqlError, Table, Tables, translate
from dune_frames.local.sql.values import sql_name, sql_string
from dune_frames.local.watches import Watch, Watches

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator, Mapping

    from dune_frames.local.results import Result
    from dune_frames.local.settings import Settings
    from dune_frames.local.sql.queries import Views

_GENERATED = "Generated sample data of the embedded Dune; none of it happened."


class Engine:
    """A DuckDB of its own, in memory.

    Attributes
    ----------
    tables : Tables
        What queries can name.
    """

    def __init__(self, settings: Settings, views: Views) -> None:
        self.tables = Tables()
        self._views = views
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{settings.memory_limit_mb}MB",
                "enable_external_access": "false",
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
            },
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("SET lock_configuration = true")
        udfs.register(self._connection)
        self._memory = settings.memory_limit_mb * 2**20
        self._watches = Watches(self._connection)
        self._registered: set[str] = set()
        for name in sample_names():
            self.tables.add_later(name, partial(self._make_sample, name))

    def reset(self) -> None:
        """Forget the registered tables; a sample table that one of them replaced is back."""
        for name in self._registered:
            with self._cursor() as cursor:
                cursor.execute(f"DROP TABLE IF EXISTS {sql_name(name)}")
            self.tables.remove(name)
        for name in self._registered.intersection(sample_names()):
            self.tables.add_later(name, partial(self._make_sample, name))
        self._registered.clear()

    def run(
        self,
        sql: str,
        stopped: threading.Event,
        timeout: float,
        results: Mapping[str, Result] | None = None,
    ) -> Result:
        """Run Dune SQL.

        Parameters
        ----------
        sql : str
            One query in Dune's dialect.
        stopped : threading.Event
            Set it to interrupt the run.
        timeout : float
            Seconds after which it is interrupted.
        results : mapping of str to Result, optional
            Results to read in the place of saved queries, by their names: ``query_123``.

        Raises
        ------
        SqlError
            It is no query that this server can run.
        duckdb.Error
            It failed while it ran, or was interrupted.
        """
        query = translate(sql, self.tables, self._reading(results or {}))
        watch = Watch(stopped, timeout, self._memory)
        with self._cursor() as cursor, self._watches.over(cursor, watch):
            relation = cursor.sql(query.sql)
            check_types(relation, query.types)
            return result_of(relation, query.names, query.types, self._memory)

    def _reading(self, results: Mapping[str, Result]) -> Views:
        """Make tables of results; return the views that read them."""
        selects = {}
        for name, result in results.items():
            table = self._make_table(f"results.of_{new_ulid().lower()}", result)
            self.tables.add(table)
            selects[name] = f"SELECT * FROM {table.name}"  # noqa: S608 - both names are made here
        return lambda name: selects.get(name.lower()) or self._views(name)

    def ingest(self, frame: Any) -> Result:
        """Return a frame as a result with the Dune types that its own types stand for."""
        with self._cursor() as cursor:
            cursor.register("_frame", arrow_table(frame))
            return untyped_result_of(cursor.sql("SELECT * FROM _frame"))

    def rows(self, result: Result, where: str | None, order_by: str | None) -> pa.Array:
        """Return the places of the rows of a result that match, in order."""
        names = [n for n in result.table.column_names if f'"{n}"' in f"{where} {order_by}"]
        places = pa.array(np.arange(result.row_count))
        table = result.table.select(names).append_column("place", places)
        order_by = f"{order_by}, place" if order_by else "place"
        with self._cursor() as cursor:
            cursor.register("_result", table)
            # A copy, because Arrow would compare NaN its own way if DuckDB left it the filter.
            cursor.execute("CREATE TEMP TABLE kept AS SELECT * FROM _result")
            kept = f"SELECT place FROM kept WHERE {where or 'TRUE'} ORDER BY {order_by}"  # noqa: S608
            return cursor.sql(kept).to_arrow_table().column(0).combine_chunks()

    def register(self, name: str, frame: Any, types: Types | None) -> None:
        """Make a table of a frame, under a name with or without dots."""
        self.tables.add(self._table_of(name, frame, types))
        self._registered.add(name.lower())

    def register_later(self, name: str, read: Callable[[], tuple[Any, Types | None]]) -> None:
        """Make a table of what `read` returns when a query first names it."""

        def make() -> Table:
            try:
                return self._table_of(name, *read())
            except (OSError, ValueError, duckdb.Error) as problem:
                raise SqlError(f"Table '{name}' cannot be read: {problem}") from None

        self.tables.add_later(name.lower(), make)
        self._registered.add(name.lower())

    def _table_of(self, name: str, frame: Any, types: Types | None) -> Table:
        result = typed_result(frame, types) if types else self.ingest(frame)
        return self._make_table(name.lower(), result)

    def _make_sample(self, name: str) -> Table:
        table = self._make_table(name, sample(name))
        with self._cursor() as cursor:
            cursor.execute(f"COMMENT ON TABLE {sql_name(name)} IS {sql_string(_GENERATED)}")
        return table

    def _make_table(self, name: str, result: Result) -> Table:
        columns = ", ".join(
            f'CAST("{place}" AS {computed_type(dune)}) AS "c{place}"'
            for place, dune in enumerate(result.types)
        )
        made = f"CREATE OR REPLACE TABLE {sql_name(name)} AS SELECT {columns} FROM _frame"  # noqa: S608
        with self._cursor() as cursor:
            cursor.register("_frame", result.table)
            cursor.execute(made)
        return Table(name, tuple(zip(result.names, result.types, strict=True)))

    def close(self) -> None:
        """Close DuckDB."""
        self._connection.close()

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        cursor = self._connection.cursor()
        try:
            yield cursor
        finally:
            cursor.close()
