-- What was found in the sources of answered requests of a run that a person should know: what, how many, and the first.
SELECT about, count(*) AS sources, min(location) AS location
FROM (
    SELECT DISTINCT s.source_id, without_signature(s.location) AS location, n.about
    FROM (
        SELECT source_id, 'file: ' || file_note AS about FROM sources WHERE file_note IS NOT NULL
        UNION ALL
        SELECT source_id, 'sound: ' || audio_note AS about FROM sources WHERE audio_note IS NOT NULL
        UNION ALL
        SELECT s.source_id, 'picture: of high dynamic range (' || s.hdr
            || CASE WHEN coalesce(r.hdr, $hdr) = 'keep' THEN '), kept in its clips' ELSE '), tone-mapped to BT.709' END AS about
        FROM sources s
        JOIN outcomes o ON o.source_id = s.source_id AND o.status = 'ok'
        JOIN checked r ON r.request_id = o.request_id AND r.error_code IS NULL
        WHERE s.hdr IS NOT NULL
        UNION ALL
        SELECT source_id, 'picture: black bars are baked in around ' || active_width || 'x' || active_height || ' of '
            || width || 'x' || height || '; variants frame what is between them' AS about
        FROM sources WHERE active_width IS NOT NULL
        UNION ALL
        SELECT DISTINCT s.source_id, 'picture: black bars are baked in that change from shot to shot; variants frame what is between them' AS about
        FROM sources s JOIN shots h ON h.source_id = s.source_id
        WHERE s.active_width IS NULL AND h.area IS NOT NULL
        UNION ALL
        SELECT source_id, 'time line: its clock jumps or wraps; it was mapped to one in ' || cardinality(time_line)
            || CASE WHEN cardinality(time_line) = 1 THEN ' piece' ELSE ' pieces' END AS about
        FROM sources WHERE cardinality(time_line) > 0
        UNION ALL
        SELECT source_id, 'captions: no mark says their encoding and their letters are of ' || caption_encoding AS about
        FROM sources WHERE caption_encoding IS NOT NULL
        UNION ALL
        SELECT source_id, 'captions: ' || caption_note AS about FROM sources WHERE caption_note IS NOT NULL
        UNION ALL
        SELECT o.source_id, 'variants: some ' || regexp_replace(f.text_note, '[0-9]+ ', '', 'g') AS about
        FROM renditions f JOIN outcomes o ON o.request_id = f.request_id
        WHERE f.text_note IS NOT NULL
        UNION ALL
        SELECT source_id, 'speech: ' || CASE WHEN transcript_error IS NULL THEN '' ELSE 'not transcribed, ' END || transcript_note AS about
        FROM sources WHERE transcript_note IS NOT NULL
    ) n
    JOIN sources s ON s.source_id = n.source_id
    JOIN outcomes o ON o.source_id = s.source_id AND o.status = 'ok'
    WHERE o.request_id IN (SELECT request_id FROM checked)
)
GROUP BY about
ORDER BY sources DESC, about
