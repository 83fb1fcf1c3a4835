-- variants: those of answered requests, and why one has no file that was to have one.
SELECT s.*, f.error_code, f.error_message
FROM shaped s
LEFT JOIN (SELECT variant_id, error_code, error_message FROM files WHERE error_code IS NOT NULL) f ON f.variant_id = s.variant_id
WHERE s.request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok')
ORDER BY s.request_id, s.clip_id, s.rank
