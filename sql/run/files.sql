-- files: one row per output: the facts measured on its file, or its error. A file in an object store has a
-- uri of its own.
WITH measured AS (SELECT source_id, unnest(renditions) AS f FROM rendered)
SELECT o.clip_id, o.variant_id, o.request_id, o.clip_rank, o.variant_rank,
    CASE WHEN p.media_id IS NULL THEN coalesce(r.error_code, m.f['error_code']) END AS error_code,
    CASE WHEN p.media_id IS NULL THEN coalesce(r.error_message, m.f['error_message']) END AS error_message,
    CASE WHEN p.media_id IS NULL THEN m.f['rendition'] ELSE p.facts END AS facts,
    p.uri
FROM outputs o
LEFT JOIN (SELECT source_id, error_code, error_message FROM rendered) r ON r.source_id = o.source_id
LEFT JOIN measured m ON m.source_id = o.source_id AND m.f['media_id'] = o.media_id
LEFT JOIN published p ON p.media_id = o.media_id
