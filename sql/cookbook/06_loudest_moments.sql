-- The loudest second of each source, and what is said in it
WITH seconds AS (
    SELECT source_id, floor(t) AS second, max(loudness) AS loudness
    FROM signals
    GROUP BY source_id, floor(t)
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY source_id ORDER BY loudness DESC, second) AS place FROM seconds
)
SELECT r.source_id, r.second, round(r.loudness, 1) AS lufs, q.text
FROM ranked r
LEFT JOIN cues q ON q.source_id = r.source_id AND q.start < r.second + 1 AND q."end" > r.second
WHERE r.place = 1
