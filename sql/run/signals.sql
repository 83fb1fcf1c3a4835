-- signals: what was seen and heard of each source, one row per time bucket, a column for each field of `s`.
SELECT source_id, unnest(s)
FROM (SELECT source_id, unnest(signals) AS s FROM analysis WHERE error_code IS NULL)
