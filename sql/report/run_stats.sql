-- Where the time of the last run went: its figures in seconds, largest first. Seconds of video are no time spent.
SELECT metric, CAST(labels AS VARCHAR) AS labels, CAST(value AS DOUBLE) AS seconds
FROM run_stats
WHERE metric LIKE '%seconds%' AND metric NOT LIKE '%video_seconds%' AND value > 0
    AND run_id = (SELECT max(run_id) FROM run_stats)
ORDER BY seconds DESC, metric, labels
LIMIT 60
