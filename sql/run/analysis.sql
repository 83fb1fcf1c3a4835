-- analysis: one row per distinct source of the valid requests, each analysed once.
SELECT *
FROM analyze_media((
    SELECT location, count(*) AS requests
    FROM checked
    WHERE error_code IS NULL
    GROUP BY location
))
