-- The captions within clips, by clip.
SELECT c.clip_id, q.start, q."end", q.text
FROM clips c
JOIN requests r ON r.request_id = c.request_id
JOIN sources s ON s.source_id = c.source_id
JOIN cues q ON q.source_id = c.source_id AND q.start < c."end" AND q."end" > c.start
WHERE q.language IS NULL OR same_language(q.language, coalesce(r.asked_language, s.language, r.language))
ORDER BY c.clip_id, q.start, q.cue_id
