-- The sound tracks that are wanted of sources of which several are, each once, in order.
SELECT location, sound
FROM (
    SELECT location, sound, count(*) OVER (PARTITION BY location) AS wishes
    FROM (SELECT DISTINCT location, sound FROM checked WHERE error_code IS NULL)
)
WHERE wishes > 1
-- What need not be met goes first: it stands for what names the same track.
ORDER BY location, CASE WHEN sound IS NULL THEN 0 WHEN starts_with(sound, '?') THEN 1 ELSE 2 END, sound
