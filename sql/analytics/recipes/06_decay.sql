-- Decay: each day's views as a share of those of the day before; missing where that day has none
WITH days AS (
    SELECT variant_id, day, sum(views) AS views FROM event_days GROUP BY variant_id, day
)
SELECT d.variant_id, d.day, d.views, round(safe_ratio(d.views, b.views), 3) AS of_day_before
FROM days d
LEFT JOIN days b ON b.variant_id = d.variant_id AND b.day + INTERVAL '1 day' = d.day
ORDER BY d.variant_id, d.day
