-- The caption lines of each source in order of time, at most $each of a source.
SELECT source_id AS source, start, "end", text
FROM (
    SELECT *, row_number() OVER (PARTITION BY source_id ORDER BY start, cue_id) AS place FROM cues
)
WHERE place <= $each
ORDER BY source, start
