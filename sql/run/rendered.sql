-- rendered: one row per source with all its distinct clips, rendered together; without those that are
-- published (media files that an object store has already).
SELECT *
FROM render_media((
    SELECT a.location, a.source_id, a.validator,
        array_agg(named_struct('media_id', c.media_id, 'start', c.start, 'end', c."end") ORDER BY c.start, c."end") AS spans
    FROM (
        SELECT DISTINCT source_id, media_id, start, "end" FROM selected
        WHERE media_id NOT IN (SELECT media_id FROM published)
    ) c
    JOIN (SELECT location, source_id, validator FROM analysis WHERE error_code IS NULL) a ON a.source_id = c.source_id
    GROUP BY a.location, a.source_id, a.validator
))
