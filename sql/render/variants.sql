-- variants: those of the touched requests. One that has a file from before keeps it, also where the new one failed.
SELECT v.* EXCEPT (error_code, error_message),
    CASE WHEN d.id IS NULL THEN coalesce(f.code, v.error_code) END AS error_code,
    CASE WHEN d.id IS NULL THEN coalesce(f.message, v.error_message) END AS error_message
FROM variants v
LEFT JOIN rendered_ids d ON d.id = v.variant_id
LEFT JOIN failed_variants f ON f.id = v.variant_id
WHERE v.request_id IN (SELECT request_id FROM touched)
