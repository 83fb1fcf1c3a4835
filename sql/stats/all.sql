-- What all runs measured, oldest first.
SELECT *
FROM run_stats
ORDER BY run_id, metric, labels
