-- What would other lengths have given? Selection is a query: no video is decoded again.
WITH windows AS (
    SELECT source_id, unnest(select_clips(signals, shots, NULL, 3, 6, 2)) AS w
    FROM source_lists
)
SELECT source_id, w['start'] AS start, w['end'] AS "end", round(w['score'], 3) AS score, w['strengths'] AS strengths
FROM windows
WHERE w['chosen']
ORDER BY source_id, start
