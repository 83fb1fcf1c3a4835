-- Distinct viewers of the groups themselves: those of the variants do not add up.
SELECT *
FROM rollup_events((
    SELECT {keys}e.event, e.viewer_id{counted}
    FROM {events}
))
