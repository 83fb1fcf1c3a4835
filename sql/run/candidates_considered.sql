-- candidates, where work of an embedding program has chosen them.
SELECT request_id, source_id, unnest(c)
FROM (SELECT request_id, source_id, unnest(candidates) AS c FROM considered WHERE error_code IS NULL)
