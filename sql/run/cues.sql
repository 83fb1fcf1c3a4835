-- cues: one row per caption line of each source, a column for each field of `c`.
SELECT source_id, unnest(c)
FROM (SELECT source_id, unnest(cues) AS c FROM analysis WHERE error_code IS NULL)
