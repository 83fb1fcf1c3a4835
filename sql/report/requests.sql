-- The requests and how they ended, failed ones first, at most $most.
SELECT o.request_id AS id, o."row" AS "row", without_signature(o.source_url) AS url, o.source_id AS source, o.error_code AS code,
    o.error_message AS message, o.attempts, o.elapsed AS seconds, o.candidates, o.clips, o.variants, q.language, q.topic,
    q.min_clip_length AS min, q.max_clip_length AS max, q.max_clips, q.experiment_id AS experiment
FROM outcomes o
LEFT JOIN requests q ON q.request_id = o.request_id AND q."row" = o."row"
ORDER BY o.error_code IS NULL, o."row", o.request_id
LIMIT $most
