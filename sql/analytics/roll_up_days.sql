-- Daily aggregates to counts. Distinct viewers of several days are not the sum of the days'.
SELECT e.variant_id{keys}, {sums},
    CASE WHEN count(*) = 1 THEN max(e.audience_reach) END AS audience_reach,
    CASE WHEN count(*) = 1 THEN max(e.new_viewers) END AS new_viewers,
    max(e.followers) AS followers
FROM event_days e
{filter}
GROUP BY e.variant_id{names}
