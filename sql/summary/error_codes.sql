-- The distinct error codes of a run's requests, their clips and variants, and the transcripts of their sources, and for a request whether its source is at a URL.
SELECT DISTINCT error_code, is_remote
FROM (
    SELECT o.error_code, c.location LIKE '%://%' AS is_remote
    FROM outcomes o
    JOIN checked c ON c.request_id = o.request_id
    UNION ALL
    SELECT k.error_code, CAST(NULL AS BOOLEAN) AS is_remote
    FROM clips k
    WHERE k.request_id IN (SELECT request_id FROM checked)
    UNION ALL
    SELECT v.error_code, CAST(NULL AS BOOLEAN) AS is_remote
    FROM variants v
    WHERE v.request_id IN (SELECT request_id FROM checked)
    UNION ALL
    SELECT s.transcript_error, s.location LIKE '%://%' AS is_remote
    FROM sources s
    WHERE s.location IN (SELECT location FROM checked)
)
WHERE error_code IS NOT NULL
