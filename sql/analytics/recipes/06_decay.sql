-- Decay: each day's views as a share of the day before
SELECT variant_id, day, views, round(safe_ratio(views, lag(views) OVER w), 3) AS of_day_before
FROM (SELECT variant_id, day, sum(views) AS views FROM event_days GROUP BY variant_id, day)
WINDOW w AS (PARTITION BY variant_id ORDER BY day)
ORDER BY variant_id, day
