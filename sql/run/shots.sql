WITH found AS (SELECT source_id, unnest(shots) AS s FROM analysis WHERE error_code IS NULL)
SELECT source_id, s['shot_id'] AS shot_id, s['start'] AS start, s['end'] AS "end",
    s['transition'] AS transition, s['score'] AS score,
    s['first_frame'] AS first_frame, s['last_frame'] AS last_frame
FROM found
