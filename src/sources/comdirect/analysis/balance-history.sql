-- The balance of each account on each day, from its first snapshot to the newest snapshot of any account. A day without
-- a snapshot carries the one before it. Rows with account_id NULL: all accounts together, in EUR.
-- Parameters: $account_id, $from, $to; each may be NULL.
WITH
snapshots AS MATERIALIZED (
  SELECT
    account_id,
    CAST(_inserted_at_day AS DATE) AS day,
    coalesce(nullif(trim(account_type__text), ''), 'Account')
      || coalesce(' …' || right(nullif(trim(account_display_id), ''), 4), '') AS account_name,
    CAST(balance__value AS DECIMAL(15, 4)) AS balance,
    coalesce(balance__unit, '') AS currency,
    CASE
      WHEN balance__unit = 'EUR' THEN CAST(balance__value AS DECIMAL(15, 4))
      WHEN balance_eur__unit = 'EUR' THEN CAST(balance_eur__value AS DECIMAL(15, 4))
    END AS balance_eur
  FROM {{schema}}.account_balances
  WHERE balance__value IS NOT NULL
    AND (CAST($account_id AS VARCHAR) IS NULL OR account_id = CAST($account_id AS VARCHAR))
    AND (CAST($to AS DATE) IS NULL OR CAST(_inserted_at_day AS DATE) <= CAST($to AS DATE))
),
-- Also a day after the newest snapshot up to $to would be a guess; there is none.
days AS (
  SELECT
    account_id,
    CAST(unnest(generate_series(
      greatest(min(day), coalesce(CAST($from AS DATE), min(day))),
      (SELECT max(day) FROM snapshots),
      INTERVAL 1 DAY
    )) AS DATE) AS day
  FROM snapshots
  GROUP BY account_id
),
filled AS MATERIALIZED (
  SELECT
    days.day,
    days.account_id,
    snapshots.account_name,
    snapshots.currency,
    snapshots.balance,
    snapshots.balance_eur,
    snapshots.day < days.day AS carried
  FROM days
  ASOF JOIN snapshots ON snapshots.account_id = days.account_id AND snapshots.day <= days.day
),
total AS (
  SELECT day, sum(balance_eur) AS balance, bool_or(carried) AS carried
  FROM filled
  GROUP BY day
  -- An account that has no value in EUR makes the sum unknown, not smaller.
  HAVING count(balance_eur) = count(*)
)
SELECT
  day,
  account_id,
  account_name,
  currency,
  CAST(balance AS DECIMAL(38, 4)) AS balance,
  CAST(balance_eur AS DECIMAL(38, 4)) AS balance_eur,
  carried
FROM filled
UNION ALL
SELECT
  day,
  NULL,
  'All accounts',
  'EUR',
  CAST(balance AS DECIMAL(38, 4)),
  CAST(balance AS DECIMAL(38, 4)),
  carried
FROM total
ORDER BY account_id NULLS FIRST, day
