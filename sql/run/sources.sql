-- sources: one row per distinct source that could be opened, a column for each field of `info`.
SELECT source_id, location, validator, unnest(info)
FROM analysis
WHERE error_code IS NULL
ORDER BY source_id
