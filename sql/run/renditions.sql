-- renditions: one row per output of an answered request: the file it is, as measured after writing, and what lies beside it.
WITH named AS (
    SELECT *, coalesce(uri, 'media/' || facts['rendition_id'] || '.' || facts['container']) AS place
    FROM files
    WHERE request_id IN (SELECT request_id FROM outcomes WHERE status = 'ok') AND error_code IS NULL
),
placed AS (
    SELECT *, left(place, length(place) - length(facts['container'])) AS stem FROM named
)
SELECT stable_id(coalesce(f.variant_id, f.clip_id), f.facts['rendition_id']) AS rendition_id, f.clip_id, f.variant_id, f.request_id,
    f.place AS uri,
    f.facts['container'] AS container, f.facts['video_codec'] AS video_codec, f.facts['audio_codec'] AS audio_codec,
    f.facts['width'] AS width, f.facts['height'] AS height, f.facts['fps'] AS fps,
    f.facts['frames'] AS frames, f.facts['duration'] AS duration, f.facts['bytes'] AS bytes,
    f.facts['blake3'] AS blake3, f.facts['av_offset'] AS av_offset,
    f.facts['copied_frames'] AS copied_frames, f.facts['hdr'] AS hdr, f.facts['text_note'] AS text_note,
    CASE WHEN f.facts['sidecar'] THEN f.stem || 'srt' END AS captions_uri,
    CASE WHEN f.facts['thumbnail'] THEN f.stem || 'jpg' END AS thumbnail_uri
FROM placed f
ORDER BY f.request_id, f.clip_rank, f.variant_rank
