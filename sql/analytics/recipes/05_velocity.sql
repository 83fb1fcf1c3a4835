-- Velocity and half-life: how fast views come and how soon they end (raw events)
WITH views AS (
    SELECT variant_id, CAST(to_unixtime(ts) - to_unixtime(min(ts) OVER (PARTITION BY variant_id)) AS DOUBLE) / 3600 AS hours
    FROM events
    WHERE event = 'view'
)
SELECT variant_id, count(*) AS views, round(velocity(count(*), max(hours)), 3) AS velocity,
    round(half_life(hours, 1), 2) AS half_life
FROM views
GROUP BY variant_id
ORDER BY variant_id
