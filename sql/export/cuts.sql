-- What is shown of each source, piece by piece: the clips of each request in order of rank, and each clip's variants.
SELECT c.request_id, c.clip_rank, c.clip_id, CAST(NULL AS VARCHAR) AS variant_id, CAST(NULL AS VARCHAR) AS platform,
    CAST(0 AS BIGINT) AS variant_rank, without_signature(s.location) AS location, s.fps, s.variable_fps,
    s.duration AS source_seconds, s.width, s.height, s.sample_rate, s.channels,
    c.start, c."end", CAST(1 AS DOUBLE) AS speed, c.score, c.hook_text AS title, w.strengths AS reason
FROM clips c
JOIN sources s ON s.source_id = c.source_id
LEFT JOIN candidates w ON w.request_id = c.request_id AND w.source_id = c.source_id AND w.chosen AND w.start = c.start AND w."end" = c."end"
UNION ALL
SELECT request_id, clip_rank, clip_id, variant_id, platform, variant_rank, place, fps, variable_fps, source_seconds, width,
    height, sample_rate, channels, piece['start'], piece['end'], piece['speed'], score, title, reason
FROM (
    SELECT v.request_id, c.clip_rank, v.clip_id, v.variant_id, v.platform, v.rank AS variant_rank,
        without_signature(s.location) AS place, s.fps, s.variable_fps, s.duration AS source_seconds, s.width, s.height,
        s.sample_rate, s.channels, unnest(v.segments) AS piece, v.viral_score AS score, v.title, v.reason
    FROM variants v
    JOIN clips c ON c.clip_id = v.clip_id
    JOIN sources s ON s.source_id = v.source_id
)
