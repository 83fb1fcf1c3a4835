-- clips: those of answered requests, and why one has no file that was to have one.
SELECT s.*, f.error_code, f.error_message
FROM selected s
LEFT JOIN (
    SELECT clip_id, error_code, error_message FROM files WHERE variant_id IS NULL AND error_code IS NOT NULL
) f ON f.clip_id = s.clip_id
WHERE s.request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok')
ORDER BY s.request_id, s.clip_rank
