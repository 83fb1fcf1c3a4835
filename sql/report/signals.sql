-- The signals of each source in at most $points buckets: the strongest motion and onset of each, the mean of loudness and
-- speech.
SELECT s.source_id AS source, CAST(floor(s.t / w.step) AS BIGINT) AS bucket, min(w.step) AS step, max(s.motion) AS motion,
    avg(s.loudness) AS loudness, max(s.onset) AS onset, avg(s.speech) AS speech
FROM signals s
JOIN (
    SELECT source_id, greatest(duration / CAST($points AS DOUBLE), 0.25) AS step FROM sources
) w ON w.source_id = s.source_id
GROUP BY s.source_id, CAST(floor(s.t / w.step) AS BIGINT)
ORDER BY source, bucket
