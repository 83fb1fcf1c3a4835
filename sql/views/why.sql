-- why: for each request, the windows in order of score: what speaks for the chosen ones, and why the
-- others lost.
SELECT c.request_id, without_signature(s.location) AS location, c.rank, c.start, c."end", c.duration, c.score, c.chosen,
    c.start_kind, c.end_kind, c.strengths, c.reason
FROM candidates c
JOIN sources s ON s.source_id = c.source_id
