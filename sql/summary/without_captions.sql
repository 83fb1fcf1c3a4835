-- The sources of answered requests of a run that have no captions at all, by location.
SELECT DISTINCT without_signature(s.location) AS location
FROM sources s
JOIN outcomes o ON o.source_id = s.source_id AND o.status = 'ok'
WHERE o.request_id IN (SELECT request_id FROM checked) AND s.source_id NOT IN (SELECT source_id FROM cues)
ORDER BY location
