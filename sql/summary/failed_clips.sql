-- The clips of answered requests that have no file of their own though they were to have one, by error code, most frequent
-- first.
SELECT error_code, count(*) AS count, min(error_message) AS example
FROM clips
WHERE error_code IS NOT NULL AND request_id IN (SELECT request_id FROM checked)
GROUP BY error_code
ORDER BY count(*) DESC, error_code
