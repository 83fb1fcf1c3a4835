-- touched_sources: the sources of the touched requests.
SELECT DISTINCT source_id FROM outcomes WHERE request_id IN (SELECT request_id FROM touched)
