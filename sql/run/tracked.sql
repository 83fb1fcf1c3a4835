-- tracked: the faces in the chosen clips of each source, looked for once a source. A run has this step where a detector of
-- faces is named and variants are asked for.
SELECT location, source_id, face_model, faces, error_code, error_message
FROM track_faces((
    SELECT a.location, a.source_id, a.signals, a.shots, c.spans
    FROM (
        SELECT source_id, array_agg(named_struct('start', start, 'end', "end") ORDER BY start, "end") AS spans
        FROM (SELECT DISTINCT source_id, start, "end" FROM selected)
        GROUP BY source_id
    ) c
    JOIN (SELECT * FROM analysis WHERE error_code IS NULL) a ON a.source_id = c.source_id
))
