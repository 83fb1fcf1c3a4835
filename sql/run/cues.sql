WITH found AS (SELECT source_id, unnest(cues) AS c FROM analysis WHERE error_code IS NULL)
SELECT source_id, c['cue_id'] AS cue_id, c['start'] AS start, c['end'] AS "end",
    c['text'] AS text, c['language'] AS language, c['origin'] AS origin, c['words'] AS words
FROM found
