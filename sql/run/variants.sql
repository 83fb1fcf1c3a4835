-- variants: those of answered requests, why one has no file that was to have one, and what is left out of its captions.
SELECT s.* REPLACE (CASE WHEN n.text_note IS NULL THEN s.text_note ELSE concat_ws('; ', s.text_note, n.text_note) END AS text_note),
    f.error_code, f.error_message
FROM shaped s
LEFT JOIN (SELECT variant_id, error_code, error_message FROM files WHERE error_code IS NOT NULL) f ON f.variant_id = s.variant_id
LEFT JOIN (SELECT variant_id, facts['text_note'] AS text_note FROM files WHERE facts['text_note'] IS NOT NULL) n
    ON n.variant_id = s.variant_id
WHERE s.request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok')
ORDER BY s.request_id, s.clip_id, s.rank
