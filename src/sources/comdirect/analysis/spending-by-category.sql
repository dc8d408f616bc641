-- What was paid for what, less what came back; the most first, per currency. What no rule matches is 'other'.
-- Parameters: $account_id, $from, $to; each may be NULL. $rules: see categories.sql.
WITH
bookings AS MATERIALIZED (
{{bookings}}
),
payments AS (
{{payments}}
),
categories AS (
{{categories}}
)
SELECT
  coalesce(categories.category, 'other') AS category,
  currency,
  CAST(sum(greatest(-amount, 0)) AS DECIMAL(38, 4)) AS spent,
  CAST(sum(greatest(amount, 0)) AS DECIMAL(38, 4)) AS refunded,
  CAST(-sum(amount) AS DECIMAL(38, 4)) AS net_spent,
  CAST(count(*) FILTER (WHERE NOT is_refund) AS INTEGER) AS payments,
  CAST(count(*) FILTER (WHERE is_refund) AS INTEGER) AS refunds
FROM payments
LEFT JOIN categories USING (counterparty, remittance)
WHERE (CAST($from AS DATE) IS NULL OR booking_date >= CAST($from AS DATE))
  AND (CAST($to AS DATE) IS NULL OR booking_date <= CAST($to AS DATE))
GROUP BY 1, 2
ORDER BY currency, net_spent DESC, category
