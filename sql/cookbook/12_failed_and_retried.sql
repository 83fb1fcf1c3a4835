-- What failed, and what was tried again? By run, stage and error code
SELECT run_id, stage, code,
    sum(CASE WHEN metric = 'clipflow_rows_total' THEN value ELSE 0 END) AS failed_rows,
    sum(CASE WHEN metric = 'clipflow_row_retries_total' THEN value ELSE 0 END) AS retries
FROM run_stats
WHERE metric IN ('clipflow_rows_total', 'clipflow_row_retries_total') AND code IS NOT NULL
GROUP BY run_id, stage, code
ORDER BY run_id, failed_rows DESC, retries DESC
