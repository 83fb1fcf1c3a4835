-- The clips of answered requests that were to have variants and fit none of their platforms, and why.
SELECT c.request_id,
    no_variant_message(coalesce(nullif(trim(r.audience_profile), ''), $audience),
        coalesce(audience_platforms(r.audience_profile), $platforms), r.min_clip_length, r.max_clip_length) AS why
FROM clips c
JOIN checked r ON r.request_id = c.request_id AND r.error_code IS NULL
WHERE $variants > 0 AND c.clip_id NOT IN (SELECT clip_id FROM variants)
ORDER BY r."row", c.clip_rank
