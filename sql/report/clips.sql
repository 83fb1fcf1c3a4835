-- The clips, the best first, at most $most.
SELECT clip_id AS id, request_id AS request, source_id AS source, clip_rank AS rank, start, "end", score, hook_text AS hook,
    transcript
FROM clips
ORDER BY score DESC, clip_id
LIMIT $most
