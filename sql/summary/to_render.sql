-- One row: the sources of the outputs that are still to be rendered, and the seconds of their distinct files.
SELECT count(DISTINCT source_id) AS sources, coalesce(sum(seconds), 0) AS seconds
FROM (
    SELECT source_id, media_id, first_value(duration) AS seconds
    FROM outputs
    WHERE media_id NOT IN (SELECT media_id FROM published)
    GROUP BY source_id, media_id
)
