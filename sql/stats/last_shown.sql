-- What the last run measured, for reading.
SELECT metric, labels, round(value, 3) AS value, unit, observations AS n,
    round(p50, 3) AS p50, round(p90, 3) AS p90, round(p99, 3) AS p99, round("max", 3) AS "max"
FROM run_stats
WHERE run_id = (SELECT max(run_id) FROM run_stats)
ORDER BY metric, labels
