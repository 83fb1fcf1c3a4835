-- renditions: the new files (new_renditions), and the old ones of what was not rendered.
-- A request that was asked again in the meantime may have other variants: their files are left out.
SELECT * FROM new_renditions
WHERE coalesce(variant_id, clip_id) IN (SELECT variant_id FROM variants UNION ALL SELECT clip_id FROM clips)
UNION ALL BY NAME
SELECT * FROM renditions
WHERE request_id IN (SELECT request_id FROM touched) AND coalesce(variant_id, clip_id) NOT IN (SELECT id FROM rendered_ids)
