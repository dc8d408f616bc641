-- Money in, money out and the difference, by calendar month of the booking date: a row for each currency and account,
-- and one for all accounts together (account_id NULL). Months without bookings between the first and the last are 0.
-- Parameters: $account_id, $from, $to; each may be NULL.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
chosen AS MATERIALIZED (
  SELECT account_id, currency, CAST(date_trunc('month', booking_date) AS DATE) AS month, amount
  FROM bookings
  WHERE (CAST($from AS DATE) IS NULL OR booking_date >= CAST($from AS DATE))
    AND (CAST($to AS DATE) IS NULL OR booking_date <= CAST($to AS DATE))
),
months AS (
  SELECT currency, CAST(unnest(generate_series(min(month), max(month), INTERVAL 1 MONTH)) AS DATE) AS month
  FROM chosen
  GROUP BY currency
),
flows AS MATERIALIZED (
  SELECT
    month,
    account_id,
    currency,
    sum(amount) FILTER (WHERE amount > 0) AS inflow,
    sum(amount) FILTER (WHERE amount < 0) AS outflow,
    sum(amount) AS net,
    count(*) AS bookings
  FROM chosen
  GROUP BY GROUPING SETS ((month, currency), (month, currency, account_id))
),
series AS (
  SELECT DISTINCT currency, account_id FROM flows
)
SELECT
  months.month,
  series.account_id,
  series.currency,
  CAST(coalesce(flows.inflow, 0) AS DECIMAL(38, 4)) AS inflow,
  CAST(coalesce(flows.outflow, 0) AS DECIMAL(38, 4)) AS outflow,
  CAST(coalesce(flows.net, 0) AS DECIMAL(38, 4)) AS net,
  CAST(coalesce(flows.bookings, 0) AS INTEGER) AS bookings
FROM months
JOIN series USING (currency)
LEFT JOIN flows
  ON flows.month = months.month
  AND flows.currency = series.currency
  AND flows.account_id IS NOT DISTINCT FROM series.account_id
ORDER BY series.currency, series.account_id NULLS FIRST, months.month
