-- touched: the requests whose variants or clips were rendered, or could not be.
SELECT DISTINCT request_id
FROM files
WHERE CASE WHEN error_code IS NULL THEN facts IS NOT NULL ELSE variant_id IS NOT NULL END
