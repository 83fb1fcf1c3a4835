-- One row: what was asked for and rendered. A file of several variants counts once.
WITH media AS (
    SELECT DISTINCT facts['rendition_id'] AS id, facts['duration'] AS seconds, facts['bytes'] AS bytes
    FROM files
    WHERE error_code IS NULL AND facts IS NOT NULL
)
SELECT *
FROM (SELECT count(*) AS variants, count(facts) FILTER (WHERE error_code IS NULL) AS rendered FROM files)
CROSS JOIN (SELECT count(*) AS files, coalesce(sum(seconds), 0) AS seconds, coalesce(sum(bytes), 0) AS bytes FROM media)
