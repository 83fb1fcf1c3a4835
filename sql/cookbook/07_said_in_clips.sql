-- Clips in which a word is said, each with its file: the plain one, or that of its best variant if there is none
SELECT request_id, clip_rank, uri, transcript
FROM (
    SELECT c.*, r.uri, row_number() OVER (PARTITION BY c.clip_id ORDER BY v.rank NULLS FIRST) AS place
    FROM clips c
    JOIN renditions r ON r.clip_id = c.clip_id
    LEFT JOIN variants v ON v.variant_id = r.variant_id
    WHERE c.transcript ILIKE '%the%'
)
WHERE place = 1
ORDER BY score DESC
