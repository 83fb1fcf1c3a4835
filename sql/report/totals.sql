-- One row: what the results hold, from requests to files. A file that several requests share counts once.
WITH files AS (
    SELECT DISTINCT uri, duration, bytes FROM renditions
)
SELECT *
FROM (
    SELECT count(*) AS requests, count(*) FILTER (WHERE status = 'ok') AS answered,
        count(*) FILTER (WHERE error_code IS NULL OR error_code NOT LIKE 'invalid_request.%') AS valid
    FROM outcomes
)
CROSS JOIN (SELECT count(*) AS sources, coalesce(sum(duration), 0.0) AS source_seconds FROM sources)
CROSS JOIN (SELECT count(*) AS candidates FROM candidates)
CROSS JOIN (SELECT count(*) AS clips FROM clips)
CROSS JOIN (SELECT count(*) AS variants FROM variants)
CROSS JOIN (SELECT count(*) AS cues FROM cues)
CROSS JOIN (SELECT count(*) AS files, coalesce(sum(duration), 0.0) AS file_seconds, coalesce(sum(bytes), 0) AS bytes FROM files)
