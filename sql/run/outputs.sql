-- outputs: one row per file to be written: the plain clips, if they are wanted, and the variants.
-- The same picture and sound of the same source is one file (media_id) for all requests; a clip without a
-- media_id stands there for its variants alone.
WITH variants AS (
    SELECT s.variant_id, s.clip_id, s.request_id, s.source_id, c.clip_rank, s.rank AS variant_rank, s.start, s."end", s.duration,
        named_struct('width', s.width, 'height', s.height, 'fps', s.fps, 'layout', s.layout, 'area', s.area, 'reframe', s.reframe,
            'segments', s.segments, 'join', s."join", 'caption_style', s.caption_style, 'caption_mode', s.caption_mode,
            'language', s.language, 'safe_zone', s.safe_zone, 'effects', s.effects, 'loudness', s.loudness) AS edit
    FROM shaped s
    JOIN selected c ON c.clip_id = s.clip_id
)
SELECT clip_id, variant_id, request_id, source_id, clip_rank, variant_rank,
    stable_id(source_id, json_text(edit), $render_settings, $edit_version) AS media_id, start, "end", duration, edit,
    -- None is made where high dynamic range is to be kept.
    $hdr AS hdr
FROM variants
WHERE $encode
UNION ALL
SELECT clip_id, NULL, request_id, source_id, clip_rank, 0, media_id, start, "end", duration, NULL,
    CASE WHEN media_id = stable_id(source_id, start, "end", $kept_settings) THEN 'keep' ELSE 'sdr' END
FROM selected
WHERE $encode AND $plain_clips AND media_id IS NOT NULL
