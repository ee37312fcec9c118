SELECT
    moment(slot) AS time,
    CAST(24000000 + slot * 50 AS BIGINT) AS number,
    CAST(300000000 + draw('base fee', slot, 4000000000) AS BIGINT) AS base_fee_per_gas,
    CAST(0 AS BIGINT) AS difficulty,
    CAST(60000000 AS BIGINT) AS gas_limit,
    CAST(12000000 + draw('gas used', slot, 40000000) AS BIGINT) AS gas_used,
    hash32('block', slot) AS hash,
    address('builder', draw('builder', slot, 25)) AS miner,
    from_hex('0000000000000000') AS nonce,
    hash32('block', slot - 1) AS parent_hash,
    CAST(60000 + draw('size', slot, 120000) AS BIGINT) AS size,
    CAST('58750003716598352816469' AS BIGNUM) AS total_difficulty,
    CAST(moment(slot) AS DATE) AS date
FROM range(6048) AS slots(slot)
