"""What a scan saves: the bytes of two columns and some rows of a wide result, beside all of it.

``PYTHONPATH=. python tests/savings.py 1000000`` prints the figures for a million rows.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from dune_frames._read.estimate import CREDITS_PER_MEGABYTE
from dune_frames.local import LocalDune

TYPES = {
    "block_time": "timestamp(3) with time zone",
    "block_number": "bigint",
    "tx_hash": "varbinary",
    "tx_from": "varbinary",
    "tx_to": "varbinary",
    "project": "varchar",
    "version": "varchar",
    "token_pair": "varchar",
    "amount_raw": "uint256",
    "amount": "double",
    "amount_usd": "double",
    "gas_price": "bigint",
}
START = datetime(2024, 1, 1)


def wide_result(local: LocalDune, rows: int) -> str:
    """Store a result like dex.trades, a row every two seconds; return its execution id."""
    chance = np.random.default_rng(7)
    seconds = np.arange(rows) * 2
    addresses = [chance.bytes(20) for _ in range(500)]
    amounts = chance.lognormal(3, 2, rows)
    table = pa.table(
        {
            "block_time": pa.array(seconds * 1_000_000 + _microseconds(START), pa.timestamp("us")),
            "block_number": 19_000_000 + seconds // 12,
            "tx_hash": [chance.bytes(32) for _ in range(rows)],
            "tx_from": [addresses[each] for each in chance.integers(0, 500, rows)],
            "tx_to": [addresses[each] for each in chance.integers(0, 500, rows)],
            "project": np.array(["uniswap", "curve", "balancer"])[chance.integers(0, 3, rows)],
            "version": np.array(["2", "3"])[chance.integers(0, 2, rows)],
            "token_pair": np.array(["USDC-WETH", "WBTC-WETH"])[chance.integers(0, 2, rows)],
            "amount_raw": [str(int(each * 10**18)) for each in amounts],
            "amount": amounts,
            "amount_usd": amounts * 2500,
            "gas_price": chance.integers(10**9, 10**11, rows),
        }
    )
    return local.store_result(table, TYPES)


def _microseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)) / timedelta(microseconds=1))


def selective(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Ask for two columns of one project on one day."""
    day = pl.lit(START).dt.replace_time_zone("UTC")
    wanted = pl.col("block_time").is_between(day, day + pl.duration(days=1), closed="left") & (
        pl.col("project") == "uniswap"
    )
    return frame.filter(wanted).select("block_time", "amount_usd")


def exported(local: LocalDune) -> int:
    """Return the bytes of all answers that brought rows."""
    return sum(r.bytes_sent for r in local.requests if r.endpoint in ("results", "results_csv"))


def measure(rows: int) -> tuple[int, int, int]:
    """Return how many rows are wanted, and the bytes exported by the scan and by a whole read."""
    with LocalDune() as local:
        execution_id = wide_result(local, rows)
        client = local.client()
        wanted = selective(client.scan_execution(execution_id, cache=False)).collect()
        by_scan = exported(local)
        whole = client.read_execution(execution_id, frame="polars", cache=False)
        by_read = exported(local) - by_scan
        if not wanted.equals(selective(whole.lazy()).collect()):
            raise ValueError("the scan does not equal the read")
        return wanted.height, by_scan, by_read


def main(rows: int) -> None:
    """Print what a scan exports and what reading all of it does."""
    wanted, by_scan, by_read = measure(rows)
    lines = [f"{rows} rows of {len(TYPES)} columns; wanted are 2 columns of {wanted} rows."]
    for name, size in (("read", by_read), ("scan", by_scan)):
        prices = [f"{plan} {size / 1e6 * each:.2f}" for plan, each in CREDITS_PER_MEGABYTE.items()]
        lines.append(f"{name} {size / 1e6:9.3f} MB, credits: {', '.join(prices)}")
    lines.append(f"The scan exports {by_scan / by_read:.2%} of the bytes.")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
