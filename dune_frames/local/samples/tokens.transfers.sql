-- Both legs of some of the trades. Of the token without a symbol, some amounts are as large as can be.
WITH legs AS (
    SELECT
        *,
        0 AS leg,
        token_sold_address AS contract_address,
        token_sold_symbol AS symbol,
        token_sold_amount_raw AS leg_raw,
        token_sold_amount AS leg_amount,
        tx_from AS "from",
        project_contract_address AS "to"
    FROM trades
    WHERE evt_index < 140
    UNION ALL
    SELECT
        *,
        1,
        token_bought_address,
        token_bought_symbol,
        token_bought_amount_raw,
        token_bought_amount,
        project_contract_address,
        tx_from
    FROM trades
    WHERE evt_index < 140
)
SELECT
    sha256('transfer/' || block_number || '/' || evt_index || '/' || leg || '/' || hex(tx_hash)) AS unique_key,
    blockchain,
    block_month,
    block_date,
    block_time,
    block_number,
    tx_hash,
    CAST(evt_index * 2 + leg AS INTEGER) AS evt_index,
    CASE
        WHEN leg = 1 AND evt_index % 9 = 0
            THEN [CAST(evt_index % 5 AS BIGINT), CAST(evt_index % 3 AS BIGINT)]
    END AS trace_address,
    'erc20' AS token_standard,
    tx_from,
    tx_to,
    CAST(evt_index % 150 AS INTEGER) AS tx_index,
    "from",
    "to",
    contract_address,
    symbol,
    CAST(CASE
        WHEN symbol IS NULL AND evt_index % 20 = 0
            THEN '115792089237316195423570985008687907853269984665640564039457584007913129639935'
        ELSE leg_raw
    END AS BIGNUM) AS amount_raw,
    CASE WHEN symbol IS NOT NULL THEN leg_amount END AS amount,
    CASE WHEN symbol IS NOT NULL AND leg_amount > 0 THEN amount_usd / leg_amount END AS price_usd,
    CASE WHEN symbol IS NOT NULL THEN amount_usd END AS amount_usd
FROM legs
ORDER BY block_time, unique_key
