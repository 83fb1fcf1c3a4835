-- The requests of a run in the order of their input, with defaults filled in, and how each one ended.
-- An input may name one id twice; its rows are told apart by their number.
SELECT k.request_id, k.source_url, k.language, k.min_clip_length, k.max_clip_length, k.max_clips, k.audience_profile,
    k.experiment_id, k.topic, k.start, k."end", k.within_start, k.within_end, k.audio_track, k.hdr,
    o.error_code, o.error_message
FROM checked k
JOIN outcomes o ON o.request_id = k.request_id AND o."row" = k."row"
ORDER BY k."row"
