-- One row: what a run has answered and made. A file or source that several requests share counts once.
WITH mine AS (
    SELECT * FROM outcomes WHERE request_id IN (SELECT request_id FROM checked)
),
files AS (
    SELECT DISTINCT r.uri, r.duration, r.bytes FROM renditions r JOIN mine m ON m.request_id = r.request_id
),
used AS (
    SELECT duration FROM sources WHERE source_id IN (SELECT source_id FROM mine)
)
SELECT *
FROM (
    SELECT count(*) AS requests, count(*) FILTER (WHERE status = 'ok') AS answered,
        coalesce(sum(clips), 0) AS clips, coalesce(sum(variants), 0) AS variants
    FROM mine
)
CROSS JOIN (SELECT count(*) AS files, coalesce(sum(duration), 0) AS clip_seconds, coalesce(sum(bytes), 0) AS bytes FROM files)
CROSS JOIN (SELECT count(*) AS sources, coalesce(sum(duration), 0) AS source_seconds FROM used)
