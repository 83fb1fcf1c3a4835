-- described: the clips that a language model is asked about, with all it is told of each. What it writes
-- takes their place on the way to the table: clip_id and texts. Without a model there are none.
SELECT c.clip_id, c.start, c."end", cues_in(a.cues, coalesce(r.asked_language, a.info['language'], r.language)) AS cues,
    coalesce(r.asked_language, a.info['language'], r.language) AS language, r.topic,
    coalesce(nullif(trim(r.audience_profile), ''), $audience) AS audience,
    a.info['width'] AS width, a.info['height'] AS height
FROM selected c
JOIN checked r ON r.request_id = c.request_id AND r.error_code IS NULL
JOIN (SELECT * FROM analysis WHERE error_code IS NULL) a ON a.source_id = c.source_id
WHERE $text_model AND $variants > 0
