-- The requests with the wish for a sound track that stands for theirs: one of all that are met by the same track.
SELECT c.* REPLACE (CASE WHEN t.location IS NULL THEN c.sound ELSE t.chosen END AS sound)
FROM checked c
LEFT JOIN sound_tracks t ON t.location = c.location AND (t.sound IS NOT DISTINCT FROM c.sound)
ORDER BY "row"
