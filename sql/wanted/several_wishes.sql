-- The sound tracks that are wanted of sources of which several are, each once, in order.
SELECT location, sound
FROM (
    SELECT location, sound, count(*) OVER (PARTITION BY location) AS wishes
    FROM (SELECT DISTINCT location, sound FROM checked WHERE error_code IS NULL)
)
WHERE wishes > 1
ORDER BY location, sound NULLS FIRST
