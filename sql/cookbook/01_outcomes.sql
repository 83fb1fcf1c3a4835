-- How did each request end?
SELECT request_id, status, clips, error_code, error_message
FROM outcomes
ORDER BY "row"
