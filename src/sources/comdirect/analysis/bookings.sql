-- Booked transactions in a form that all analyses share. Included by the other files; needs $account_id (or NULL).
-- Rows without an amount, and rows with neither a booking date nor a possible value date, are left out.
SELECT
  account_id,
  reference,
  booking_date,
  amount,
  currency,
  coalesce(name, '(' || transaction_type || ')', '(unknown)') AS counterparty,
  -- Spellings of one name differ in case, accents and white space.
  lower(strip_accents(coalesce(name, '(' || transaction_type || ')', '(unknown)'))) AS counterparty_key,
  name IS NOT NULL AS is_named,
  creditor_id,
  mandate_id,
  coalesce(remittance, '') AS remittance
FROM (
  SELECT
    *,
    CASE WHEN amount < 0
      THEN coalesce(creditor, remitter, debtor, merchant)
      ELSE coalesce(remitter, debtor, creditor, merchant)
    END AS name
  FROM (
    SELECT
      account_id,
      reference,
      coalesce(CAST(booking_date AS DATE), TRY_CAST(valuta_date AS DATE)) AS booking_date,
      CAST(amount__value AS DECIMAL(15, 4)) AS amount,
      coalesce(amount__unit, '') AS currency,
      -- White space of every kind, such as a no-break space, is a space: to RE2 \s is that of ASCII only.
      nullif(trim(regexp_replace(creditor__holder_name, '[\s\v\x{85}\p{Z}]+', ' ', 'g')), '') AS creditor,
      nullif(trim(regexp_replace(remitter__holder_name, '[\s\v\x{85}\p{Z}]+', ' ', 'g')), '') AS remitter,
      CASE WHEN json_valid(CAST(deptor AS VARCHAR))
        THEN nullif(trim(regexp_replace(
          json_extract_string(CAST(deptor AS VARCHAR), '$.holderName'), '[\s\v\x{85}\p{Z}]+', ' ', 'g')), '')
      END AS debtor,
      -- Card payments may come without a name; then the first line of their text is the shop.
      CASE WHEN transaction_type__key = 'CARD_TRANSACTION' AND json_valid(CAST(remittance_lines AS VARCHAR))
        THEN nullif(trim(regexp_replace(
          json_extract_string(CAST(remittance_lines AS VARCHAR), '$[0]'), '[\s\v\x{85}\p{Z}]+', ' ', 'g')), '')
      END AS merchant,
      nullif(trim(transaction_type__text), '') AS transaction_type,
      nullif(trim(direct_debit_creditor_id), '') AS creditor_id,
      nullif(trim(direct_debit_mandate_id), '') AS mandate_id,
      remittance_info AS remittance
    FROM {{schema}}.account_transactions__booked
    WHERE amount__value IS NOT NULL
      AND (CAST($account_id AS VARCHAR) IS NULL OR account_id = CAST($account_id AS VARCHAR))
  )
)
WHERE booking_date IS NOT NULL
