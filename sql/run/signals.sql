WITH buckets AS (SELECT source_id, unnest(signals) AS s FROM analysis WHERE error_code IS NULL)
SELECT source_id, s['t'] AS t, s['shot_score'] AS shot_score, s['motion'] AS motion, s['luma'] AS luma,
    s['chroma'] AS chroma, s['saliency_x'] AS saliency_x, s['saliency_y'] AS saliency_y,
    s['loudness'] AS loudness, s['onset'] AS onset, s['speech'] AS speech, s['silence'] AS silence,
    s['caption_density'] AS caption_density
FROM buckets
