-- failures: what went wrong, how often, and one example.
SELECT error_code, count(*) AS requests, first_value(error_message ORDER BY "row") AS example
FROM outcomes
WHERE status = 'failed'
GROUP BY error_code
ORDER BY requests DESC, error_code
