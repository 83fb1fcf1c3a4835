-- Where do people leave, and what was on screen? The retention curve of each variant beside its signals
WITH steps_of_days AS (
    SELECT variant_id, views, views_2s AS s2, views_3s AS s3, views_6s AS s6, views_25 AS q1, views_50 AS q2, views_75 AS q3, views_100 AS q4
    FROM event_days
    WHERE views IS NOT NULL
),
reported AS (
    SELECT variant_id, count(s2) > 0 AS s2, count(s3) > 0 AS s3, count(s6) > 0 AS s6, count(q1) > 0 AS q1,
        count(q2) > 0 AS q2, count(q3) > 0 AS q3, count(q4) > 0 AS q4
    FROM steps_of_days
    GROUP BY variant_id
),
-- The days that report every step that their variant reports at all: a day without one would be in some steps only.
counts AS (
    SELECT d.variant_id, sum(d.views) AS views, sum(d.s2) AS s2, sum(d.s3) AS s3, sum(d.s6) AS s6,
        sum(d.q1) AS q1, sum(d.q2) AS q2, sum(d.q3) AS q3, sum(d.q4) AS q4
    FROM steps_of_days d
    JOIN reported r ON r.variant_id = d.variant_id
    WHERE (d.s2 IS NOT NULL OR NOT r.s2) AND (d.s3 IS NOT NULL OR NOT r.s3) AND (d.s6 IS NOT NULL OR NOT r.s6)
        AND (d.q1 IS NOT NULL OR NOT r.q1) AND (d.q2 IS NOT NULL OR NOT r.q2) AND (d.q3 IS NOT NULL OR NOT r.q3)
        AND (d.q4 IS NOT NULL OR NOT r.q4)
    GROUP BY d.variant_id
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
