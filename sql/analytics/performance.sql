-- Counts of variants, summed by the axes over the rows that report all parts of a metric, and the metrics
-- of the sums. Names with a colon are made here: no column of a user's has one of them by accident.
WITH counted AS (
    {roll_up}
),
{span}
{lengths}
joined AS (
    SELECT c.*{variant_columns}{hours}{length}
    FROM counted c
    {join_variants}
    {join_span}
    {join_lengths}
),
figured AS (
    SELECT *,
        -- An event view_15s is 15 s or the end; where there is none, the end is what is known.
        coalesce(views_15s, views_100) AS "clipflow: holds",
        -- Viewers who are known begin and end once; views of others are counted one by one.
        CASE WHEN anonymous_completions IS NULL THEN views_100 ELSE coalesce(first_completions, 0) + anonymous_completions END
            AS "clipflow: completions",
        CASE WHEN anonymous_views IS NULL THEN views ELSE coalesce(first_views, 0) + anonymous_views END AS "clipflow: starts",
        -- A length is a number of seconds above 0; any other is not known.
        views * CASE WHEN {duration} > 0 AND {duration} < 1e12 THEN {duration} END AS "clipflow: playable_seconds"
    FROM joined
),
by_variant AS (
    SELECT variant_id{names}, {variant_sums}
    FROM figured
    {group_by_variant}
),
summed AS (
    -- A variant has one row in a group: the axes are all that tells its rows apart.
    SELECT {axes}{variants} AS "clipflow: variants", {group_sums}
    FROM by_variant
    {group_by_axes}
){accounts}{viewers},
groups AS (
    SELECT g.*{account_columns}{reach_columns}
    FROM summed g
    {join_accounts}
    {join_viewers}
)
SELECT {axes}"clipflow: variants" AS variants, {metrics},
    {version} AS metric_version, '{definitions}' AS definitions, "clipflow: left out" AS left_out
FROM groups
{order_by}
