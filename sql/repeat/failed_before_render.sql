-- One row: the requests of a run that have no clip to render, and why the first of them has none.
SELECT count(*) AS requests, first_value(coalesce(c.error_message, a.error_message, c.source_url || ' has no clip for it') ORDER BY c."row") AS example
FROM checked c
LEFT JOIN (SELECT DISTINCT request_id FROM selected) s ON s.request_id = c.request_id
LEFT JOIN analysis a ON a.location = c.location AND (a.sound IS NOT DISTINCT FROM c.sound)
WHERE c.error_code IS NOT NULL OR s.request_id IS NULL
