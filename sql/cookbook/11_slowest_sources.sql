-- Where does the time go? The slowest sources of a run with --trace trace.json, with their media processes
SELECT r.location, r.stage, round(r.duration, 3) AS seconds, count(p.span_id) AS processes,
    round(sum(p.duration), 3) AS process_seconds, r.error_code
FROM spans('trace.json') r
LEFT JOIN spans('trace.json') p ON p.parent_id = r.span_id AND p.category = 'process'
WHERE r.category = 'row'
GROUP BY r.span_id, r.location, r.stage, r.duration, r.error_code
ORDER BY r.duration DESC
LIMIT 20
