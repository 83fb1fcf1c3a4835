-- Where do people leave, and what was on screen? The retention curve of each variant beside its signals
WITH counts AS (
    SELECT variant_id, sum(views) AS views, sum(views_2s) AS s2, sum(views_3s) AS s3, sum(views_6s) AS s6,
        sum(views_25) AS q1, sum(views_50) AS q2, sum(views_75) AS q3, sum(views_100) AS q4
    FROM event_days
    GROUP BY variant_id
),
clips AS (
    SELECT c.*, v.source_id, v.start, v.duration
    FROM counts c
    JOIN variants v ON v.variant_id = c.variant_id
),
points AS (
    SELECT variant_id, source_id, start, views, 2.0 AS until, s2 AS seen FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, 3.0, s3 FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, 6.0, s6 FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, duration * 0.25, q1 FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, duration * 0.5, q2 FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, duration * 0.75, q3 FROM clips
    UNION ALL SELECT variant_id, source_id, start, views, duration, q4 FROM clips
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
LEFT JOIN signals s ON s.source_id = p.source_id AND s.t >= p.start + p.since AND s.t < p.start + p.until
GROUP BY p.variant_id, p.since, p.until, p.seen, p.before, p.views
ORDER BY variant_id, to_second
