-- Clips in which a word is said
SELECT c.request_id, c.clip_rank, r.uri, c.transcript
FROM clips c
JOIN renditions r ON r.clip_id = c.clip_id
WHERE c.transcript ILIKE '%the%'
ORDER BY c.score DESC
