-- Counts of variants, summed by the axes, and the metrics of the sums.
WITH counted AS (
    {roll_up}
),
{span}
joined AS (
    SELECT c.*{variant_columns}{hours}
    FROM counted c
    {join_variants}
    {join_span}
),
figured AS (
    SELECT *,
        -- An event view_15s is 15 s or the end; where there is none, the end is what is known.
        coalesce(views_15s, views_100) AS holds,
        -- Without viewers, replays cannot be told from views; completion_rate then says NULL above 1.
        coalesce(first_completions, views_100) AS completions,
        coalesce(first_views, views) AS starts,
        views * {duration} AS playable_seconds
    FROM joined
),
summed AS (
    SELECT {axes}count(DISTINCT variant_id) AS variants, {sums}, sum(holds) AS holds, sum(completions) AS completions,
        sum(starts) AS starts, sum(followers) AS followers{sum_hours}{reach}{means},
        -- One variant of unknown length, and the seconds there were are unknown.
        CASE WHEN count(views) = count(playable_seconds) THEN sum(playable_seconds) END AS playable_seconds
    FROM figured
    {group_by}
){viewers},
groups AS (
    SELECT g.*{reach_columns}
    FROM summed g
    {join_viewers}
)
SELECT {axes}variants, {metrics},
    {version} AS metric_version, '{definitions}' AS definitions
FROM groups
{order_by}
