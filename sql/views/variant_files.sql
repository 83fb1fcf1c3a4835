-- variant_files: every variant with its file, if it is rendered, or why it could not be.
SELECT v.variant_id, v.clip_id, v.request_id, v.rank, v.platform, v.layout, v.caption_style, v.viral_score, v.title, v.hashtags,
    r.uri, r.width, r.height, r.fps, r.frames, r.duration, r.bytes, v.error_code, v.error_message
FROM variants v
LEFT JOIN renditions r ON r.variant_id = v.variant_id
