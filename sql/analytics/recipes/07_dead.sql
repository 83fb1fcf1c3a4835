-- Dead variants: their last three days brought less than a fiftieth of their best three
WITH days AS (
    SELECT e.variant_id, e.day, sum(e.views) AS views
    FROM event_days e
    JOIN event_spans s ON s.variant_id = e.variant_id AND CAST(e.day AS TIMESTAMP) <= s.until
    GROUP BY e.variant_id, e.day
),
last AS (
    SELECT max(day) AS today FROM days
),
spans AS (
    SELECT d.variant_id, l.today, max(d.day) AS last_seen, sum(d.views) AS views,
        sum(CASE WHEN d.day > l.today - INTERVAL '3 days' THEN d.views ELSE 0 END) AS lately,
        -- A day whose views are missing is not one without views.
        sum(CASE WHEN d.day > l.today - INTERVAL '3 days' AND d.views IS NULL THEN 1 ELSE 0 END) AS unknown
    FROM days d
    CROSS JOIN last l
    GROUP BY d.variant_id, l.today
),
-- Three days of the calendar, however many of them have figures.
best AS (
    SELECT variant_id, max(views) AS best
    FROM (
        SELECT a.variant_id, a.day, sum(b.views) AS views
        FROM days a
        JOIN days b ON b.variant_id = a.variant_id AND b.day <= a.day AND b.day > a.day - INTERVAL '3 days'
        GROUP BY a.variant_id, a.day
    )
    GROUP BY variant_id
)
SELECT s.variant_id, s.last_seen, s.views, b.best AS best_three_days, s.lately AS last_three_days
FROM spans s
JOIN best b ON b.variant_id = s.variant_id
WHERE s.lately * 50 < b.best AND s.unknown = 0
ORDER BY s.variant_id
