-- Cost per view: encoding and storage at prices of one's own, by platform, of the variants whose views are known
WITH prices AS (
    SELECT 0.0004 AS second_encoded, 0.00002 AS megabyte_stored
),
costs AS (
    SELECT r.variant_id, sum(r.duration * p.second_encoded + r.bytes / 1e6 * p.megabyte_stored) AS cost
    FROM renditions r
    CROSS JOIN prices p
    WHERE r.variant_id IS NOT NULL
    GROUP BY r.variant_id
),
seen AS (
    SELECT variant_id, platform, sum(views) AS views FROM event_days GROUP BY variant_id, platform
)
SELECT s.platform, round(sum(c.cost), 4) AS cost, sum(s.views) AS views, round(safe_ratio(sum(c.cost), sum(s.views)), 6) AS cost_per_view
FROM seen s
JOIN costs c ON c.variant_id = s.variant_id
WHERE s.views IS NOT NULL
GROUP BY s.platform
ORDER BY s.platform
