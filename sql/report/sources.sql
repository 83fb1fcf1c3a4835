-- The sources, those with most clips first, at most $most. The seconds of a source are those of its slowest request.
SELECT s.source_id AS id, without_signature(s.location) AS location, s.location AS place, s.validator, s.container, s.bytes,
    s.duration, s.video_codec, s.audio_codec, s.width, s.height, s.fps, s.loudness, s.language, s.caption_tracks,
    coalesce(o.requests, 0) AS requests, coalesce(o.seconds, 0.0) AS seconds, coalesce(c.clips, 0) AS clips
FROM sources s
LEFT JOIN (
    SELECT source_id, count(*) AS requests, max(elapsed) AS seconds FROM outcomes GROUP BY source_id
) o ON o.source_id = s.source_id
LEFT JOIN (SELECT source_id, count(*) AS clips FROM clips GROUP BY source_id) c ON c.source_id = s.source_id
ORDER BY coalesce(c.clips, 0) DESC, s.location, s.source_id
LIMIT $most
