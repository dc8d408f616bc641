-- The category of each text, by the first rule that matches. Included by other files, over their `bookings`.
-- $rules is a JSON list of {position, category, text, regex}; either text or regex is NULL.
SELECT texts.counterparty, texts.remittance, arg_min(rules.category, rules.position) AS category
FROM (
  SELECT
    counterparty,
    remittance,
    trim(counterparty || ' ' || remittance) AS text,
    lower(trim(counterparty || ' ' || remittance)) AS lower_text
  FROM (SELECT DISTINCT counterparty, remittance FROM bookings)
) AS texts
JOIN (
  SELECT rule.position, rule.category, lower(rule.text) AS lower_text, rule.regex
  FROM (
    SELECT unnest(from_json(
      CAST($rules AS JSON),
      '[{"position": "INTEGER", "category": "VARCHAR", "text": "VARCHAR", "regex": "VARCHAR"}]'
    )) AS rule
  )
) AS rules
  ON CASE
    WHEN rules.regex IS NULL THEN contains(texts.lower_text, rules.lower_text)
    ELSE regexp_matches(texts.text, rules.regex, 'i')
  END
GROUP BY texts.counterparty, texts.remittance
