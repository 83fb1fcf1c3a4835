-- The rows of the request file that a run does: those that the results do not hold, and those to do again.
SELECT c.*
FROM checked c
LEFT ANTI JOIN (
    SELECT o.request_id
    FROM outcomes o
    LEFT ANTI JOIN repeated r ON r.request_id = o.request_id
    LEFT ANTI JOIN changed s ON s.request_id = o.request_id
) settled ON settled.request_id = c.request_id
ORDER BY "row"
