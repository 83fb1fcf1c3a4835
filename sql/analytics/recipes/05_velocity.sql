-- Velocity and half-life: how fast views come and how soon they end, in the hours that performance counts by (raw events)
WITH counted AS (
    SELECT e.variant_id, (CAST(e.ts AS BIGINT) - CAST(s.published AS BIGINT)) / 3.6e9 AS hours, s.hours AS watched
    FROM events e
    JOIN event_spans s ON s.variant_id = e.variant_id AND e.ts <= s.until
    WHERE e.event = 'view'
)
SELECT variant_id, count(*) AS views, round(velocity(count(*), max(watched)), 3) AS velocity,
    round(half_life(hours, 1), 2) AS half_life
FROM counted
GROUP BY variant_id
ORDER BY variant_id
