-- What the last run measured.
SELECT *
FROM run_stats
WHERE run_id = (SELECT max(run_id) FROM run_stats)
ORDER BY metric, labels
