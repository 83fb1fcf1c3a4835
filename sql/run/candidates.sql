-- candidates: every window considered for every request, chosen or not, a column for each field of `c`.
-- Requests (narrow) are held in memory, sources (wide: a source a row) stream by; the order of the
-- join says so.
WITH considered AS (
    SELECT r.request_id, a.source_id,
        unnest(select_clips_about(a.signals, a.shots, cues_in(a.cues, coalesce(r.asked_language, a.info['language'], r.language)),
            -- None is chosen that is too short for each of the platforms that variants are asked for.
            greatest(r.min_clip_length, CASE WHEN $variants > 0 AND r.start IS NULL
                THEN shortest_variant(coalesce(nullif(trim(r.audience_profile), ''), $audience),
                    coalesce(audience_platforms(r.audience_profile), $platforms)) END),
            r.max_clip_length, r.max_clips, r.start, r."end", r.within_start, r.within_end, r.topic,
            a.info['chapters'], a.info['replays'])) AS c
    FROM (SELECT * FROM checked WHERE error_code IS NULL) r
    JOIN (SELECT * FROM analysis WHERE error_code IS NULL) a ON a.location = r.location AND (a.sound IS NOT DISTINCT FROM r.sound)
)
SELECT request_id, source_id, unnest(c)
FROM considered
