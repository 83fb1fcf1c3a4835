-- The clips of a run's requests, best first; uri and frames are NULL where no plain clip was rendered.
SELECT c.request_id, c.clip_id, c.start, c."end", c.score, r.uri, r.frames
FROM clips c
LEFT JOIN renditions r ON r.clip_id = c.clip_id AND r.variant_id IS NULL
WHERE c.request_id IN (SELECT request_id FROM checked)
ORDER BY c.request_id, c.clip_rank
