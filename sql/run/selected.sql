-- selected: the chosen windows as clips, with what is said in them.
-- Clips of the same span of the same source are one file (media_id) for all requests.
WITH chosen AS (
    SELECT request_id, source_id, start, "end", duration, score,
        row_number() OVER (PARTITION BY request_id ORDER BY score DESC, start) AS clip_rank
    FROM candidates
    WHERE chosen
),
spoken AS (
    SELECT c.request_id, c.clip_rank,
        first_value(q.text ORDER BY q.start, q.cue_id) AS hook_text,
        string_agg(q.text, ' ' ORDER BY q.start, q.cue_id) AS transcript
    FROM chosen c
    JOIN checked r ON r.request_id = c.request_id AND r.error_code IS NULL
    -- Lines that are seen in it for the greater part of their time.
    JOIN cues q ON q.source_id = c.source_id AND (q.start + q."end") / 2 >= c.start AND (q.start + q."end") / 2 < c."end"
    JOIN sources s ON s.source_id = c.source_id
    WHERE q.language IS NULL OR same_language(q.language, coalesce(r.asked_language, s.language, r.language))
    GROUP BY c.request_id, c.clip_rank
)
SELECT stable_id(c.request_id, c.source_id, c.start, c."end") AS clip_id,
    c.request_id, c.source_id,
    stable_id(c.source_id, c.start, c."end",
        CASE WHEN coalesce(k.hdr, $hdr) = 'keep' THEN $kept_settings ELSE $render_settings END) AS media_id,
    c.clip_rank, c.start, c."end", c.duration, c.score, s.hook_text, s.transcript
FROM chosen c
JOIN (SELECT request_id, hdr FROM checked WHERE error_code IS NULL) k ON k.request_id = c.request_id
LEFT JOIN spoken s ON s.request_id = c.request_id AND s.clip_rank = c.clip_rank
ORDER BY c.request_id, c.clip_rank
