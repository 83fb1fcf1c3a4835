-- variants: those of answered requests.
SELECT * FROM shaped
WHERE request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok')
ORDER BY request_id, clip_id, rank
