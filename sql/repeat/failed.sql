-- Requests of results that ended in an error, or some of whose clips or variants did. A second row of an id (whose first
-- row may be answered) is not one of them unless its code is named.
SELECT request_id
FROM outcomes
WHERE status = 'failed'
    AND (error_code IN (SELECT error_code FROM retried_codes)
        OR $all_codes AND error_code <> 'invalid_request.duplicate_id')
UNION
SELECT request_id
FROM variants
WHERE error_code IS NOT NULL AND ($all_codes OR error_code IN (SELECT error_code FROM retried_codes))
UNION
SELECT request_id
FROM clips
WHERE error_code IS NOT NULL AND ($all_codes OR error_code IN (SELECT error_code FROM retried_codes))
