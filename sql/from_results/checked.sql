-- checked: the requests asked for, as the run had them. A row whose id stood in an earlier row is no request.
SELECT a.*, o.error_code
FROM asked a
JOIN outcomes o ON o.request_id = a.request_id AND o."row" = a."row"
