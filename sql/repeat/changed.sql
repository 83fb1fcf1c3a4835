-- Requests whose source is not the one that the results describe. Reads current_sources: the id that each source
-- has now, NULL where it takes a fetch to know.
SELECT DISTINCT c.request_id
FROM checked c
JOIN current_sources s ON s.location = c.location
JOIN outcomes o ON o.request_id = c.request_id
WHERE c.error_code IS NULL AND s.source_id IS DISTINCT FROM o.source_id
