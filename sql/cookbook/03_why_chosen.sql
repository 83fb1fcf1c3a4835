-- Why was this clip chosen, and what came next?
SELECT request_id, rank, round(start, 2) AS start, round("end", 2) AS "end", round(score, 3) AS score,
    chosen, strengths, reason
FROM why
WHERE rank <= 5
ORDER BY request_id, rank
