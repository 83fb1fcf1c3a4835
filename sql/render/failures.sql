-- The outputs that could not be rendered, by error code, most frequent first.
SELECT error_code, count(*) AS count, min(error_message) AS example
FROM files
WHERE error_code IS NOT NULL
GROUP BY error_code
ORDER BY count(*) DESC, error_code
