-- The distinct sources of the valid requests, and per sound track where they want several of one; with their requests.
SELECT location, sound, count(*) AS requests
FROM checked
WHERE error_code IS NULL
GROUP BY location, sound
ORDER BY location, sound NULLS FIRST
