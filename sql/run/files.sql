-- files: one row per clip that was to be rendered: the facts measured on its file, or its error.
WITH measured AS (SELECT source_id, unnest(renditions) AS f FROM rendered)
SELECT c.clip_id, c.request_id, c.clip_rank,
    coalesce(r.error_code, m.f['error_code']) AS error_code,
    coalesce(r.error_message, m.f['error_message']) AS error_message,
    m.f['rendition'] AS facts
FROM selected c
JOIN (SELECT source_id, error_code, error_message FROM rendered) r ON r.source_id = c.source_id
LEFT JOIN measured m ON m.source_id = c.source_id AND m.f['media_id'] = c.media_id
