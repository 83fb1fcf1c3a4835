-- Raw events to counts, one row a variant and what else of the events is grouped by.
SELECT *, CAST(NULL AS BIGINT) AS followers
FROM rollup_events((
    SELECT e.variant_id{keys}, e.event{viewer_id}, e.value{counted}
    FROM events e
))
