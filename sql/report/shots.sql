-- The shots of each source in order of time, at most $each of a source.
SELECT source_id AS source, start, "end", transition
FROM (
    SELECT *, row_number() OVER (PARTITION BY source_id ORDER BY shot_id) AS place FROM shots
)
WHERE place <= $each
ORDER BY source, start
