-- shots: one row per shot of each source, a column for each field of `s`.
SELECT source_id, unnest(s)
FROM (SELECT source_id, unnest(shots) AS s FROM analysis WHERE error_code IS NULL)
