-- Dead variants: their last three days brought less than a fiftieth of their best three
WITH days AS (
    SELECT variant_id, day, sum(views) AS views FROM event_days GROUP BY variant_id, day
),
last AS (
    SELECT max(day) AS today FROM days
),
spans AS (
    SELECT d.variant_id, l.today, max(d.day) AS last_seen, sum(d.views) AS views,
        sum(CASE WHEN d.day > l.today - INTERVAL '3 days' THEN d.views ELSE 0 END) AS lately
    FROM days d
    CROSS JOIN last l
    GROUP BY d.variant_id, l.today
),
best AS (
    SELECT variant_id, max(views) AS best
    FROM (SELECT variant_id, sum(views) OVER (PARTITION BY variant_id ORDER BY day ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS views FROM days)
    GROUP BY variant_id
)
SELECT s.variant_id, s.last_seen, s.views, b.best AS best_three_days, s.lately AS last_three_days
FROM spans s
JOIN best b ON b.variant_id = s.variant_id
WHERE s.lately * 50 < b.best
ORDER BY s.variant_id
