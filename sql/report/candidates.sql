-- The windows that were considered for each request: the chosen ones and the best others, at most $each of a request beside
-- the chosen ones.
SELECT request_id AS request, source_id AS source, start, "end", start_kind, end_kind, hook, start_quality, end_quality, length_fit,
    score, rank, chosen, strengths, reason
FROM candidates
WHERE chosen OR rank <= $each
ORDER BY request, rank
