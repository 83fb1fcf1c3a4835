-- The media files that were written by this run, and their size.
SELECT count(rendition['rendition_id']) AS files, coalesce(sum(rendition['bytes']), 0) AS bytes
FROM (
    SELECT item['rendition'] AS rendition
    FROM (SELECT unnest(renditions) AS item FROM rendered)
)
