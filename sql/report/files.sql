-- The media files of clips and variants, in order of clip and variant, at most $most.
SELECT clip_id AS clip, variant_id AS variant, uri, container, video_codec AS video, audio_codec AS audio, width, height, duration,
    bytes, av_offset, captions_uri AS captions, thumbnail_uri AS thumbnail
FROM renditions
ORDER BY clip, variant NULLS FIRST, uri
LIMIT $most
