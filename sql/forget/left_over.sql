-- Requests that an earlier run read in the same file and that are not in it any more: changed, or gone.
WITH gone AS (
    SELECT r.request_id, first_value(without_signature(r.source_url)) AS source_url
    FROM requests r
    LEFT ANTI JOIN checked n ON n.request_id = r.request_id
    WHERE r.request_file = $request_file
    GROUP BY r.request_id
),
cut AS (
    SELECT request_id, count(*) AS clips FROM clips GROUP BY request_id
)
SELECT g.request_id, g.source_url, coalesce(c.clips, 0) AS clips
FROM gone g
LEFT JOIN cut c ON c.request_id = g.request_id
ORDER BY g.request_id
