-- failed_variants: variants without a file that could not be rendered, and why.
SELECT variant_id AS id, min(error_code) AS code, min(error_message) AS message
FROM files
WHERE error_code IS NOT NULL AND variant_id NOT IN (SELECT variant_id FROM renditions WHERE variant_id IS NOT NULL)
GROUP BY variant_id
