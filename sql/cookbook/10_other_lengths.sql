-- What would other lengths have given? Selection is a query: no video is decoded again.
WITH signal_lists AS (
    SELECT source_id, array_agg(named_struct('t', t, 'shot_score', shot_score, 'motion', motion, 'luma', luma,
        'chroma', chroma, 'saliency_x', saliency_x, 'saliency_y', saliency_y, 'loudness', loudness, 'onset', onset,
        'speech', speech, 'silence', silence, 'caption_density', caption_density) ORDER BY t) AS signals
    FROM signals
    GROUP BY source_id
),
shot_lists AS (
    SELECT source_id, array_agg(named_struct('shot_id', shot_id, 'start', start, 'end', "end",
        'transition', transition, 'score', score, 'first_frame', first_frame, 'last_frame', last_frame) ORDER BY shot_id) AS shots
    FROM shots
    GROUP BY source_id
),
windows AS (
    SELECT s.source_id, unnest(select_clips(s.signals, h.shots, NULL, 3, 6, 2)) AS w
    FROM signal_lists s
    JOIN shot_lists h ON h.source_id = s.source_id
)
SELECT source_id, w['start'] AS start, w['end'] AS "end", round(w['score'], 3) AS score, w['strengths'] AS strengths
FROM windows
WHERE w['chosen']
ORDER BY source_id, start
