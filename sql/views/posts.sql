-- posts: every rendered file with all that a person who posts it needs, in posting order: by source, then the best clips
-- first, then each clip's best variants. Texts made from facts of the file alone (its time and size) are NULL.
WITH texts AS (
    SELECT variant_id, clip_id, platform, rank, viral_score, reason, duration, error_code,
        CASE WHEN text_origin = 'facts' THEN NULL ELSE title END AS title,
        CASE WHEN text_origin = 'facts' THEN NULL ELSE description END AS description,
        CASE WHEN text_origin = 'facts' THEN NULL ELSE hashtags END AS hashtags,
        hook_text
    FROM variants
)
SELECT row_number() OVER (ORDER BY without_signature(s.location), c.clip_rank, c.start, v.rank NULLS FIRST, r.uri) AS post,
    r.uri, coalesce(v.platform, 'clip') AS platform, v.title, v.description, v.hashtags,
    coalesce(v.hook_text, c.hook_text) AS hook_text, coalesce(v.viral_score, c.score) AS score,
    coalesce(v.reason, w.strengths) AS why, without_signature(q.source_url) AS source_url,
    without_signature(s.location) AS location, c.start, c."end", q.language, c.request_id, c.clip_id, c.clip_rank,
    r.variant_id, v.rank AS variant_rank, r.container, r.width, r.height, r.duration, r.bytes, r.captions_uri, r.thumbnail_uri
FROM renditions r
JOIN clips c ON c.clip_id = r.clip_id
JOIN sources s ON s.source_id = c.source_id
JOIN requests q ON q.request_id = c.request_id
LEFT JOIN texts v ON v.variant_id = r.variant_id
LEFT JOIN candidates w ON w.request_id = c.request_id AND w.source_id = c.source_id AND w.chosen AND w.start = c.start AND w."end" = c."end"
