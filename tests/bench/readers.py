"""The readers: each reads the same result in a process of its own, timed without its imports.

``python -m tests.bench.readers NAME EXECUTION_ID ROWS`` prints a JSON object: the seconds, the rows
and the peak memory. The address of the server comes from the environment, as it does for users.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.bench.server import QUERY_ID

PAGE_ROWS = 32_000


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored result: its execution and how many rows it has."""

    execution_id: str
    rows: int

    def paths(self, form: str) -> list[str]:
        """Return the path of every page; `form` is ``""`` for JSON or ``"/csv"``."""
        base = f"/api/v1/execution/{self.execution_id}/results{form}"
        return [
            f"{base}?{urlencode({'limit': PAGE_ROWS, 'offset': offset})}"
            for offset in range(0, self.rows, PAGE_ROWS)
        ]


#: What is timed; it returns the rows that it read.
Work = Callable[[], int]


def _dune_frames(frame: Any, stored: Stored, **options: Any) -> Work:
    import pandas as pd  # noqa: F401 - each import that the read would make itself
    import polars as pl  # noqa: F401
    import pyarrow.compute as pc  # noqa: F401
    import requests  # noqa: F401
    from pyarrow import csv  # noqa: F401

    import dune_frames as dune

    del stored
    return lambda: len(dune.read_dune_query(QUERY_ID, frame=frame, **options))


def _dune_client(stored: Stored) -> Work:
    import pandas as pd  # noqa: F401 - the read would import it
    from dune_client.client import DuneClient

    del stored
    return lambda: len(DuneClient().get_latest_result_dataframe(QUERY_ID))


def _spice(stored: Stored) -> Work:
    """Read with spice, which knows one address only. Without `limit` it would stop after a page."""
    import polars as pl  # noqa: F401 - the read would import it
    import requests  # noqa: F401
    import spice
    from spice import _urls

    for name, url in _urls.url_templates.items():
        _urls.url_templates[name] = url.replace("https://api.dune.com", _address())
    return lambda: len(spice.query(QUERY_ID, limit=stored.rows, cache=False, verbose=False))


def _bare(connections: int, stored: Stored) -> Work:
    """Fetch every page of CSV and throw it away: what no reader can be faster than."""

    def read() -> int:
        paths = stored.paths("/csv")
        shares = [paths[first::connections] for first in range(connections)]
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(_drain, shares))
        return stored.rows

    return read


def _drain(paths: list[str]) -> None:
    buffer = bytearray(1 << 20)
    connection = _connection()
    for path in paths:
        connection.request("GET", path, headers={"x-dune-api-key": "local"})
        answer = connection.getresponse()
        while answer.readinto(buffer):
            pass
    connection.close()


def _bodies(stored: Stored, form: str, most: int | None = None) -> list[bytes]:
    connection, bodies = _connection(), []
    for path in stored.paths(form)[:most]:
        connection.request("GET", path, headers={"x-dune-api-key": "local"})
        bodies.append(connection.getresponse().read())
    connection.close()
    return bodies


def _connection() -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(_address()).netloc)


def _address() -> str:
    return os.environ["DUNE_API_BASE_URL"]


def _strings(stored: Stored) -> Work:
    """Read the CSV bodies, fetched beforehand, with `pyarrow.csv` as strings, as it does by default."""
    import pyarrow as pa
    from pyarrow import csv

    from tests.bench.trades import TYPES

    bodies = _bodies(stored, "/csv")
    as_text = csv.ConvertOptions(column_types=dict.fromkeys(TYPES, pa.string()))

    def read() -> int:
        pages = [csv.read_csv(pa.BufferReader(each), convert_options=as_text) for each in bodies]
        return sum(len(page) for page in pages)

    return read


#: Pages of JSON that are decoded where only the decoding is timed.
_JSON_PAGES = 8


def _json_ours(stored: Stored) -> Work:
    """Make a pandas frame of JSON bodies, fetched beforehand, on one thread."""
    import pandas as pd  # noqa: F401 - each import that the decoding would make itself
    import polars as pl  # noqa: F401
    import pyarrow.compute as pc  # noqa: F401

    from dune_frames._decode.from_json import decode_json
    from dune_frames._frame.frames import FrameOptions, to_frame
    from dune_frames._types.schema import Typing, result_schema
    from dune_frames._wire.answers import read_results
    from dune_frames._wire.endpoints import Answer
    from tests.bench.trades import TYPES

    bodies = _bodies(stored, "", _JSON_PAGES)
    answers = [Answer(200, {}, body, _address()) for body in bodies]
    schema = result_schema(list(TYPES), list(TYPES.values()), Typing())

    def read() -> int:
        rows = [read_results(answer).rows or b"" for answer in answers]
        tables = [decode_json(each, schema) for each in rows]
        return len(to_frame(tables, schema, FrameOptions()))

    return read


def _json_plain(stored: Stored) -> Work:
    """Do the same as everybody does it: `json.loads` and a DataFrame of the rows."""
    import pandas as pd

    bodies = _bodies(stored, "", _JSON_PAGES)

    def read() -> int:
        pages = [pd.DataFrame(json.loads(body)["result"]["rows"]) for body in bodies]
        return len(pd.concat(pages, ignore_index=True))

    return read


def _sink(stored: Stored) -> Work:
    import tempfile
    from pathlib import Path

    import pyarrow.parquet as pq

    import dune_frames as dune

    def read() -> int:
        execution = dune.Dune().execution(stored.execution_id)
        with tempfile.TemporaryDirectory() as directory:
            path = execution.sink_parquet(Path(directory) / "trades.parquet")
            return pq.read_metadata(path).num_rows  # type: ignore[no-any-return]

    return read


READERS: dict[str, Callable[[Stored], Work]] = {
    "dune_frames, pandas": partial(_dune_frames, "pandas"),
    "dune_frames, polars": partial(_dune_frames, "polars"),
    "dune_frames, pyarrow": partial(_dune_frames, "pyarrow"),
    "dune_frames, pandas, cache=False": partial(_dune_frames, "pandas", cache=False),
    "dune_frames, pandas, format='json'": partial(_dune_frames, "pandas", format="json"),
    "dune-client": _dune_client,
    "dune-spice": _spice,
    "bare download, 8 connections": partial(_bare, 8),
    "bare download, 16 connections": partial(_bare, 16),
    "pyarrow.csv as strings": _strings,
    "JSON decoding, dune_frames": _json_ours,
    "JSON decoding, json + DataFrame": _json_plain,
    "sink_parquet": _sink,
}


def _main(name: str, execution_id: str, rows: str) -> None:
    work = READERS[name](Stored(execution_id, int(rows)))
    start = time.perf_counter()
    read = work()
    seconds = time.perf_counter() - start
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    print(json.dumps({"seconds": seconds, "rows": read, "peak": peak}))


if __name__ == "__main__":
    _main(*sys.argv[1:])
