-- What the samples are made of. Every number is drawn from the MD5 of a label and a running number,
-- so that they are the same everywhere and every time.

CREATE MACRO draw(label, i, below) AS
    CAST(md5_number_lower(label || '/' || i) % CAST(below AS UBIGINT) AS BIGINT);
CREATE MACRO share(label, i) AS draw(label, i, 1000000007) / 1000000007.0;
CREATE MACRO hash32(label, i) AS from_hex(sha256(label || '/' || i));
CREATE MACRO address(label, i) AS from_hex(sha256(label || '/' || i)[1:40]);

-- A slot is ten minutes of the six weeks from 5 January 2026 on; there are 6048 of them.
CREATE MACRO moment(slot, seconds := 0) AS
    timezone('UTC', TIMESTAMP '2026-01-05 00:00:00' + to_seconds(slot * 600 + seconds));
-- How busy a slot is: most on the afternoon of a working day in UTC, least at night, less on weekends.
CREATE MACRO busy(slot) AS
    (0.55 - 0.45 * cos(2 * pi() * (slot % 144 - 18) / 144))
    * CASE WHEN slot // 144 % 7 < 5 THEN 1.0 ELSE 0.6 END;
CREATE MACRO busy_or_null(slot, i) AS
    CASE WHEN share('busy/' || slot, i) < busy(slot) THEN slot END;
CREATE MACRO drawn_slot(label, i, growth) AS
    CAST(floor(6048 * power(share(label, i), growth)) AS BIGINT);
CREATE MACRO price(base, spread, slot, token) AS
    base * (1 + spread * (abs(slot % 2016 - 1008) / 1008.0 - 0.5
                          + draw('noise/' || token, slot, 100) / 1e3));

CREATE TABLE tokens AS SELECT * FROM (VALUES
    (0, 'WETH', 18, 3150.0, 0.1),
    (1, 'USDC', 6, 1.0, 0.001),
    (2, 'USDT', 6, 1.0, 0.002),
    (3, 'WBTC', 8, 92500.0, 0.08),
    (4, 'DAI', 18, 1.0, 0.001),
    (5, 'UNI', 18, 6.2, 0.2),
    (6, NULL, 18, NULL, 0.0)
) AS t(token, symbol, decimals, base, spread);

-- Of 100 trades, those from `chance_from` to below `chance_to` are on a chain. Trade on one whose
-- `growth` is below 1 grows over the weeks.
CREATE TABLE chains AS SELECT * FROM (VALUES
    ('ethereum', 24000000, 0, 40, 1.0),
    ('arbitrum', 415000000, 40, 65, 1.0),
    ('base', 40000000, 65, 85, 0.6),
    ('polygon', 81000000, 85, 100, 1.3)
) AS t(blockchain, first_block, chance_from, chance_to, growth);
