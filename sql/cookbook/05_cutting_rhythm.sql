-- How are the sources cut?
SELECT s.location, l.shots, round(l.median_length, 2) AS median_length, l.fades, l.dissolves
FROM shot_lengths l
JOIN sources s ON s.source_id = l.source_id
ORDER BY median_length
