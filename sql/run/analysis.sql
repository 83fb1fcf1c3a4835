-- analysis: one row per distinct source of the valid requests, and per sound track where they want several of one; each
-- analysed once.
SELECT *
FROM analyze_media((
    SELECT location, sound, count(*) AS requests
    FROM checked
    WHERE error_code IS NULL
    GROUP BY location, sound
))
