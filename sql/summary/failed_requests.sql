-- The failed requests of a run by error code, most frequent first, with the sentence of the first one.
SELECT error_code, count(*) AS count, first_value(error_message ORDER BY "row") AS example
FROM outcomes
WHERE status = 'failed' AND request_id IN (SELECT request_id FROM checked)
GROUP BY error_code
ORDER BY count(*) DESC, error_code
