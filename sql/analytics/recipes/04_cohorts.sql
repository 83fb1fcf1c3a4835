-- Cohorts: variants posted on the same day, by days since
WITH first AS (
    SELECT variant_id, min(day) AS posted FROM event_days GROUP BY variant_id
)
SELECT f.posted, date_part('day', CAST(e.day AS TIMESTAMP) - CAST(f.posted AS TIMESTAMP)) AS age,
    count(DISTINCT e.variant_id) AS variants, sum(e.views) AS views,
    round(pooled_share_rate(e.shares, e.views), 4) AS share_rate
FROM event_days e
JOIN first f ON f.variant_id = e.variant_id
GROUP BY f.posted, age
ORDER BY f.posted, age
