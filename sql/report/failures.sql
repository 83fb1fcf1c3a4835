-- What went wrong, by error code: failed requests, and variants that have no file; most frequent first.
SELECT *
FROM (
    SELECT 'requests' AS what, error_code AS code, count(*) AS count, first_value(error_message ORDER BY "row") AS example,
        first_value(request_id ORDER BY "row") AS request, coalesce(may_change(error_code), false) AS may_change
    FROM outcomes
    WHERE status = 'failed'
    GROUP BY error_code
    UNION ALL
    SELECT 'variants' AS what, error_code AS code, count(*) AS count, first_value(error_message ORDER BY variant_id) AS example,
        first_value(request_id ORDER BY variant_id) AS request, coalesce(may_change(error_code), false) AS may_change
    FROM variants
    WHERE error_code IS NOT NULL
    GROUP BY error_code
)
ORDER BY count DESC, what, code
