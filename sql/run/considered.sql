-- considered: the windows of each request as work of an embedding program finds and chooses them (the relation
-- select_media), or why it cannot. A run has this step where such work takes the place of select_clips.
SELECT request_id, source_id, candidates, error_code, error_message
FROM select_media((
    SELECT r.request_id, a.source_id, r.topic, a.signals, a.shots, cues_in(a.cues, coalesce(r.asked_language, a.language, r.language)) AS cues,
        r.min_clip_length, r.max_clip_length, r.max_clips
    FROM (SELECT * FROM checked WHERE error_code IS NULL) r
    JOIN (SELECT location, sound, source_id, signals, shots, cues, info['language'] AS language FROM analysis WHERE error_code IS NULL) a ON a.location = r.location AND (a.sound IS NOT DISTINCT FROM r.sound)
))
