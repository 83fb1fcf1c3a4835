-- chapters: one row per chapter of a source, as its container or its page divides it.
SELECT source_id, chapter['chapter_id'] AS chapter_id, chapter['start'] AS start, chapter['end'] AS "end",
    chapter['title'] AS title
FROM (SELECT source_id, unnest(chapters) AS chapter FROM sources)
