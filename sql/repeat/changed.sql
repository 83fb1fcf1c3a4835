-- Requests whose source is not the one that the results describe. Reads current_sources: the validator that each source
-- has now, NULL where it takes a fetch to know. That of the results ends in the sound track, where one was asked for.
SELECT DISTINCT c.request_id
FROM checked c
JOIN current_sources s ON s.location = c.location
JOIN outcomes o ON o.request_id = c.request_id
LEFT JOIN sources r ON r.source_id = o.source_id
WHERE c.error_code IS NULL AND ((r.location IS DISTINCT FROM c.location)
    OR (s.validator IS DISTINCT FROM regexp_replace(r.validator, '\+(mix|track[0-9]+)$', '')))
