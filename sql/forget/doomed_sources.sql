-- doomed_sources: the sources that no other request names.
SELECT g.source_id
FROM (
    SELECT DISTINCT o.source_id
    FROM outcomes o
    LEFT SEMI JOIN doomed d ON d.request_id = o.request_id
    WHERE o.source_id IS NOT NULL
) g
LEFT ANTI JOIN (
    SELECT o.source_id FROM outcomes o LEFT ANTI JOIN doomed d ON d.request_id = o.request_id
) k ON k.source_id = g.source_id
