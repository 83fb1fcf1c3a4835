-- rendered: one row per source with all its distinct outputs, rendered together; without those that are
-- published (media files that an object store has already).
SELECT *
FROM render_media((
    SELECT a.location, a.source_id, a.validator, a.cues, a.channel_fault, a.audio_track, o.spans
    FROM (
        SELECT source_id,
            array_agg(named_struct('media_id', media_id, 'start', start, 'end', "end", 'edit', edit, 'hdr', hdr)
                ORDER BY start, "end", media_id) AS spans
        FROM (
            SELECT source_id, media_id, first_value(start) AS start, first_value("end") AS "end", first_value(edit) AS edit,
                first_value(hdr) AS hdr
            FROM outputs
            WHERE media_id NOT IN (SELECT media_id FROM published)
            GROUP BY source_id, media_id
        )
        GROUP BY source_id
    ) o
    JOIN (
        SELECT location, source_id, validator, cues, info['channel_fault'] AS channel_fault,
            CASE WHEN info['audio_choice'] = 'mix' THEN 'mix' ELSE CAST(info['audio_track'] AS VARCHAR) END AS audio_track
        FROM analysis WHERE error_code IS NULL
    ) a ON a.source_id = o.source_id
))
