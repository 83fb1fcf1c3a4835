-- Leaderboard: the variants with the most views, and what their viewers did
SELECT variant_id, platform, sum(views) AS views,
    round(engagement_rate(sum(likes), sum(comments), sum(shares), sum(saves), sum(views)), 4) AS engagement_rate,
    round(share_rate(sum(shares), sum(views)), 4) AS share_rate
FROM event_days
GROUP BY variant_id, platform
ORDER BY views DESC NULLS LAST, variant_id
LIMIT 20
