-- What works for whom: layouts on each platform
SELECT v.layout, e.platform, count(DISTINCT e.variant_id) AS variants, sum(e.views) AS views,
    round(pooled_hook_rate(e.views_3s, e.impressions), 4) AS hook_rate,
    round(pooled_engagement_rate(e.likes, e.comments, e.shares, e.saves, e.views), 4) AS engagement_rate
FROM event_days e
JOIN variants v ON v.variant_id = e.variant_id
GROUP BY v.layout, e.platform
ORDER BY views DESC, layout, platform
