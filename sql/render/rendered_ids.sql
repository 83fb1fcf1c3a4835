-- rendered_ids: the variants, and the plain clips, that have a new file.
SELECT DISTINCT coalesce(variant_id, clip_id) AS id FROM files WHERE error_code IS NULL AND facts IS NOT NULL
