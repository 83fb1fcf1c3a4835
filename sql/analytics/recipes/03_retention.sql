-- Where do people leave, and what was on screen? The retention curve of each variant beside its signals
WITH counts AS (
    SELECT variant_id, sum(views) AS views, sum(views_2s) AS s2, sum(views_3s) AS s3, sum(views_6s) AS s6,
        sum(views_25) AS q1, sum(views_50) AS q2, sum(views_75) AS q3, sum(views_100) AS q4
    FROM event_days
    GROUP BY variant_id
),
posted AS (
    SELECT c.*, v.duration
    FROM counts c
    JOIN variants v ON v.variant_id = c.variant_id
),
points AS (
    SELECT variant_id, views, 2.0 AS until, s2 AS seen FROM posted
    UNION ALL SELECT variant_id, views, 3.0, s3 FROM posted
    UNION ALL SELECT variant_id, views, 6.0, s6 FROM posted
    UNION ALL SELECT variant_id, views, duration * 0.25, q1 FROM posted
    UNION ALL SELECT variant_id, views, duration * 0.5, q2 FROM posted
    UNION ALL SELECT variant_id, views, duration * 0.75, q3 FROM posted
    UNION ALL SELECT variant_id, views, duration, q4 FROM posted
),
steps AS (
    SELECT *, coalesce(lag(until) OVER w, 0.0) AS since, coalesce(lag(seen) OVER w, views) AS before
    FROM points
    WHERE seen IS NOT NULL
    WINDOW w AS (PARTITION BY variant_id ORDER BY until)
)
SELECT p.variant_id, round(p.since, 2) AS from_second, round(p.until, 2) AS to_second, round(safe_ratio(p.seen, p.views), 4) AS still_there,
    round(safe_ratio(p.before - p.seen, p.before), 4) AS left_here, round(avg(s.motion), 3) AS motion,
    round(avg(s.speech), 3) AS speech, round(avg(s.loudness), 1) AS loudness
FROM steps p
LEFT JOIN variant_signals s ON s.variant_id = p.variant_id AND s.at >= p.since AND s.at < p.until
GROUP BY p.variant_id, p.since, p.until, p.seen, p.before, p.views
ORDER BY variant_id, to_second
