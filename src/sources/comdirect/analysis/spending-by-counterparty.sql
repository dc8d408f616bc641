-- What was paid to whom, less what came back; the most first, per currency.
-- Parameters: $account_id, $from, $to; each may be NULL.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
payments AS (
{{payments}}
)
SELECT
  -- As it was spelt last.
  arg_max(counterparty, (booking_date, reference)) AS counterparty,
  currency,
  CAST(sum(greatest(-amount, 0)) AS DECIMAL(38, 4)) AS spent,
  CAST(sum(greatest(amount, 0)) AS DECIMAL(38, 4)) AS refunded,
  CAST(-sum(amount) AS DECIMAL(38, 4)) AS net_spent,
  CAST(count(*) FILTER (WHERE NOT is_refund) AS INTEGER) AS payments,
  CAST(count(*) FILTER (WHERE is_refund) AS INTEGER) AS refunds,
  min(booking_date) AS first_date,
  max(booking_date) AS last_date
FROM payments
WHERE (CAST($from AS DATE) IS NULL OR booking_date >= CAST($from AS DATE))
  AND (CAST($to AS DATE) IS NULL OR booking_date <= CAST($to AS DATE))
GROUP BY counterparty_key, currency
ORDER BY currency, net_spent DESC, counterparty
