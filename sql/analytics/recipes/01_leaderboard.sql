-- Leaderboard: the variants with the most views, and what their viewers did
SELECT variant_id, platform, sum(views) AS views,
    round(pooled_engagement_rate(likes, comments, shares, saves, views), 4) AS engagement_rate,
    round(pooled_share_rate(shares, views), 4) AS share_rate
FROM event_days
GROUP BY variant_id, platform
ORDER BY views DESC NULLS LAST, variant_id
LIMIT 20
