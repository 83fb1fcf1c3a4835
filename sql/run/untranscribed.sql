-- untranscribed: the sources with sound that have no captions in a language that is asked for, and that language where it is
-- one. A run has this step, and `transcribed`, where a transcriber is named.
SELECT location, CASE WHEN count(DISTINCT language) = 1 THEN min(language) END AS language
FROM (
    SELECT r.location, r.asked_language AS language
    FROM (SELECT DISTINCT location, asked_language FROM checked WHERE error_code IS NULL) r
    JOIN (SELECT location, cues, info['audio_codec'] AS audio_codec FROM analysis WHERE error_code IS NULL) a
        ON a.location = r.location
    WHERE a.audio_codec IS NOT NULL AND coalesce(cardinality(cues_in(a.cues, r.asked_language)), 0) = 0
)
GROUP BY location
ORDER BY location
