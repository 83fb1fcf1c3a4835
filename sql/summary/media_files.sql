-- Every media file that a dataset names: its uri and, where it is listed, its size in bytes.
SELECT DISTINCT uri, bytes FROM renditions
UNION ALL
SELECT DISTINCT unnest([captions_uri, replace(captions_uri, '.srt', '.vtt'), thumbnail_uri]) AS uri, CAST(NULL AS BIGINT) AS bytes
FROM renditions
