-- candidates: every window considered for every request, chosen or not.
-- Requests (narrow) are held in memory, sources (wide: a source a row) stream by; the order of the
-- join says so.
WITH considered AS (
    SELECT r.request_id, a.source_id,
        unnest(select_clips(a.signals, a.shots, cues_in(a.cues, r.language),
            r.min_clip_length, r.max_clip_length, r.max_clips)) AS c
    FROM (SELECT * FROM checked WHERE error_code IS NULL) r
    JOIN (SELECT * FROM analysis WHERE error_code IS NULL) a ON a.location = r.location
)
SELECT request_id, source_id, c['candidate_id'] AS candidate_id,
    c['start'] AS start, c['end'] AS "end", c['duration'] AS duration,
    c['start_kind'] AS start_kind, c['end_kind'] AS end_kind,
    c['motion'] AS motion, c['cut_rate'] AS cut_rate,
    c['loudness'] AS loudness, c['loudness_peak'] AS loudness_peak, c['onset'] AS onset,
    c['speech'] AS speech, c['silence'] AS silence, c['hook'] AS hook,
    c['luma'] AS luma, c['dark'] AS dark, c['chroma'] AS chroma, c['caption_density'] AS caption_density,
    c['start_quality'] AS start_quality, c['end_quality'] AS end_quality, c['length_fit'] AS length_fit,
    c['score'] AS score, c['rank'] AS rank, c['chosen'] AS chosen,
    c['strengths'] AS strengths, c['reason'] AS reason
FROM considered
