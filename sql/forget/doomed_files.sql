-- doomed_files: the media files that no other request uses, with their sizes; NULL for what lies beside one.
WITH named AS (
    SELECT request_id, uri, bytes FROM renditions
    UNION ALL
    SELECT request_id, unnest([captions_uri, replace(captions_uri, '.srt', '.vtt'), thumbnail_uri]) AS uri, CAST(NULL AS BIGINT) AS bytes
    FROM renditions
)
SELECT g.uri, g.bytes
FROM (
    SELECT n.uri, max(n.bytes) AS bytes
    FROM named n
    LEFT SEMI JOIN doomed d ON d.request_id = n.request_id
    WHERE n.uri IS NOT NULL
    GROUP BY n.uri
) g
LEFT ANTI JOIN (
    SELECT n.uri FROM named n LEFT ANTI JOIN doomed d ON d.request_id = n.request_id
) k ON k.uri = g.uri
ORDER BY g.uri
