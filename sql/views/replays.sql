-- replays: one row per part of a source of which its page says how often it is replayed.
SELECT source_id, part['start'] AS start, part['end'] AS "end", part['value'] AS value
FROM (SELECT source_id, unnest(replays) AS part FROM sources)
