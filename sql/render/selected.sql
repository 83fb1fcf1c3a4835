-- selected: all clips of the results. Those of the requests asked for as plain clips get the media_id that they have
-- with these settings; the others stay, for their variants, and are no files of their own.
SELECT c.* EXCEPT (media_id, is_asked),
    CASE WHEN c.is_asked THEN stable_id(c.source_id, c.start, c."end",
        CASE WHEN coalesce(r.hdr, $hdr) = 'keep' THEN $kept_settings ELSE $render_settings END) END AS media_id
FROM clips_asked c
JOIN (
    -- The first row of an id is the one that was answered.
    SELECT request_id, first_value(hdr ORDER BY "row") AS hdr FROM requests GROUP BY request_id
) r ON r.request_id = c.request_id
