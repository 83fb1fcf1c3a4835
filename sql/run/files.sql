-- files: one row per clip that was to be rendered: the facts measured on its file, or its error. A file
-- in an object store has a uri of its own.
WITH measured AS (SELECT source_id, unnest(renditions) AS f FROM rendered)
SELECT c.clip_id, c.request_id, c.clip_rank,
    CASE WHEN p.media_id IS NULL THEN coalesce(r.error_code, m.f['error_code']) END AS error_code,
    CASE WHEN p.media_id IS NULL THEN coalesce(r.error_message, m.f['error_message']) END AS error_message,
    CASE WHEN p.media_id IS NULL THEN m.f['rendition'] ELSE p.facts END AS facts,
    p.uri
FROM selected c
LEFT JOIN (SELECT source_id, error_code, error_message FROM rendered) r ON r.source_id = c.source_id
LEFT JOIN measured m ON m.source_id = c.source_id AND m.f['media_id'] = c.media_id
LEFT JOIN published p ON p.media_id = c.media_id
