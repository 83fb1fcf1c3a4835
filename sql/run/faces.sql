-- faces: one row per face and picture in the chosen clips of each source, a column for each field of `f`.
SELECT source_id, unnest(f)
FROM (SELECT source_id, unnest(faces) AS f FROM face_lists)
