-- clip_files: every clip with its file and where it came from.
SELECT c.clip_id, c.request_id, c.clip_rank, without_signature(s.location) AS location, c.start, c."end", c.score, c.hook_text,
    r.uri, r.width, r.height, r.fps, r.frames, r.duration, r.bytes
FROM clips c
JOIN renditions r ON r.clip_id = c.clip_id AND r.variant_id IS NULL
JOIN sources s ON s.source_id = c.source_id
