-- The requests of a run by source; NULL: those that are invalid.
SELECT CASE WHEN error_code IS NULL THEN location END AS location, count(*) AS requests
FROM checked
GROUP BY 1
