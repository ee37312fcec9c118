"""Trades: a table such as Dune's users read, the same at every run, made in a second or two."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

#: Column name to Dune's type text. A row takes about 225 bytes of CSV.
TYPES = {
    "block_time": "timestamp(3) with time zone",
    "block_date": "date",
    "block_number": "bigint",
    "tx_hash": "varbinary",
    "evt_index": "integer",
    "project": "varchar",
    "token_pair": "varchar",
    "token_bought_address": "varbinary",
    "token_bought_amount_raw": "uint256",
    "amount_usd": "double",
    "is_aggregated": "boolean",
}
_PROJECTS = ("uniswap", "curve", "balancer", "sushiswap", "1inch-LOP", "0x API", "maverick")
_PAIRS = ("USDC-WETH", "WBTC-WETH", "DAI-USDC", "stETH-WETH", "PEPE-WETH", "USDC-USDT")
_FIRST_BLOCK, _BLOCK_SECONDS, _TRADES_PER_BLOCK = 19_000_000, 12, 8
_FIRST_SECOND = 1_704_067_200  # 2024-01-01 UTC
_TOKENS, _NULLS, _SEED = 500, 0.04, 4


def trades(rows: int) -> pa.Table:
    """Return trades in the order of their blocks, with nulls in two columns."""
    chance = np.random.default_rng(_SEED)
    block = np.arange(rows) // _TRADES_PER_BLOCK
    seconds = pa.array(_FIRST_SECOND + block * _BLOCK_SECONDS).cast(pa.timestamp("s", "UTC"))
    columns = {
        "block_time": seconds.cast(pa.timestamp("us", "UTC")),
        "block_date": seconds.cast(pa.timestamp("s")).cast(pa.date32()),
        "block_number": pa.array(_FIRST_BLOCK + block),
        "tx_hash": _bytes(chance, rows, 32),
        "evt_index": pa.array(chance.integers(0, 900, rows, "int32")),
        "project": _chosen(chance, _PROJECTS, rows),
        "token_pair": _with_nulls(chance, _chosen(chance, _PAIRS, rows)),
        "token_bought_address": _bytes(chance, _TOKENS, 20).take(
            pa.array(chance.integers(0, _TOKENS, rows))
        ),
        "token_bought_amount_raw": _wide_integers(chance, rows),
        "amount_usd": _with_nulls(chance, pa.array(chance.lognormal(6, 2, rows))),
        "is_aggregated": pa.array(chance.random(rows) < 0.3),
    }
    return pa.table(columns)


def _bytes(chance: np.random.Generator, count: int, width: int) -> pa.Array:
    ends = pa.py_buffer(np.arange(count + 1, dtype="int32") * width)
    return pa.Array.from_buffers(
        pa.binary(), count, [None, ends, pa.py_buffer(chance.bytes(count * width))]
    )


def _chosen(chance: np.random.Generator, choices: tuple[str, ...], count: int) -> pa.Array:
    return pa.array(choices).take(pa.array(chance.integers(0, len(choices), count)))


def _with_nulls(chance: np.random.Generator, values: pa.Array) -> pa.Array:
    absent = pa.array(chance.random(len(values)) < _NULLS)
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def _wide_integers(chance: np.random.Generator, count: int) -> pa.Array:
    """Return texts of 19 to 22 digits, as token amounts with 18 decimals have."""
    head = pa.array(chance.integers(1, 10_000, count)).cast(pa.string())
    tail = pa.array(chance.integers(10**17, 10**18, count)).cast(pa.string())
    return pc.binary_join_element_wise(head, tail, "")
