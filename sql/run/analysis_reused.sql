-- analysis, where the results hold some of the sources: those are not analysed again.
SELECT *
FROM analyze_media((
    SELECT w.location, w.sound, w.requests
    FROM (SELECT location, sound, count(*) AS requests FROM checked WHERE error_code IS NULL GROUP BY location, sound) w
    LEFT ANTI JOIN reused_sources r ON r.location = w.location AND (r.sound IS NOT DISTINCT FROM w.sound)
))
UNION ALL BY NAME
SELECT * FROM reused
