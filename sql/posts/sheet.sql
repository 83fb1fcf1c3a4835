-- The sheet beside the files: what to post, in order. `post_files` holds the names that the files got.
SELECT f.file, p.platform, p.title, p.description, array_to_string(p.hashtags, ' ') AS hashtags, p.hook_text,
    p.score, p.why, p.source_url AS source, p.start, p."end", p.language, p.clip_rank, p.variant_rank, p.width, p.height,
    p.duration, p.bytes, p.request_id, p.clip_id, p.variant_id, p.uri
FROM posts_in_order p
JOIN post_files f ON f.post = p.post
ORDER BY p.post
