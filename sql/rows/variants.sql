-- The variants of a run's requests, best first; uri and frames are NULL where they are only planned.
SELECT v.*, r.uri, r.frames
FROM variants v
LEFT JOIN renditions r ON r.variant_id = v.variant_id
WHERE v.request_id IN (SELECT request_id FROM checked)
ORDER BY v.request_id, v.clip_id, v.rank
