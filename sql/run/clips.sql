-- clips: those of answered requests, so that every row names a file that exists.
SELECT * FROM selected
WHERE request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok')
ORDER BY request_id, clip_rank
