-- clips: those of the touched requests, each with the file that it is now.
SELECT c.* REPLACE (coalesce(f.media_id, c.media_id) AS media_id,
    CASE WHEN f.media_id IS NULL THEN c.error_code END AS error_code,
    CASE WHEN f.media_id IS NULL THEN c.error_message END AS error_message)
FROM clips c
LEFT JOIN (
    SELECT DISTINCT clip_id, facts['rendition_id'] AS media_id
    FROM files
    WHERE variant_id IS NULL AND error_code IS NULL AND facts IS NOT NULL
) f ON f.clip_id = c.clip_id
WHERE c.request_id IN (SELECT request_id FROM touched)
