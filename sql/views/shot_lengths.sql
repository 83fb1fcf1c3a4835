-- shot_lengths: how a source is cut.
SELECT source_id, count(*) AS shots, avg("end" - start) AS mean_length, median("end" - start) AS median_length,
    count(*) FILTER (WHERE transition = 'fade') AS fades, count(*) FILTER (WHERE transition = 'dissolve') AS dissolves
FROM shots
GROUP BY source_id
