-- untranscribed: the sources with sound that have no captions in a language that is asked for, and that language where it is
-- one. A run has this step, and `transcribed`, where a transcriber is named.
SELECT location, source_id, audio_track, channel_fault, CASE WHEN count(DISTINCT language) = 1 THEN min(language) END AS language
FROM (
    SELECT r.location, a.source_id, a.audio_track, a.channel_fault, r.asked_language AS language
    FROM (SELECT DISTINCT location, sound, asked_language FROM checked WHERE error_code IS NULL) r
    JOIN (
        SELECT location, sound, source_id, cues, info['audio_codec'] AS audio_codec, info['channel_fault'] AS channel_fault,
            CASE WHEN info['audio_choice'] = 'mix' THEN 'mix' ELSE CAST(info['audio_track'] AS VARCHAR) END AS audio_track
        FROM analysis WHERE error_code IS NULL
    ) a ON a.location = r.location AND (a.sound IS NOT DISTINCT FROM r.sound)
    WHERE a.audio_codec IS NOT NULL AND coalesce(cardinality(cues_in(a.cues, r.asked_language)), 0) = 0
)
GROUP BY location, source_id, audio_track, channel_fault
ORDER BY location, source_id
