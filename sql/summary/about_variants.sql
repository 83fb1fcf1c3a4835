-- What a person must know of the variants of a run: how many there are of each platform, layout and size made from sources
-- of each size, and how many of those have no captions and no texts.
SELECT v.platform, v.layout, v.width, v.height, coalesce(s.active_width, s.width) AS source_width, coalesce(s.active_height, s.height) AS source_height, count(*) AS variants,
    count(*) FILTER (WHERE v.caption_style = 'off') AS without_captions,
    count(*) FILTER (WHERE v.text_origin = 'facts') AS without_texts
FROM variants v
JOIN clips c ON c.clip_id = v.clip_id
JOIN sources s ON s.source_id = c.source_id
WHERE v.request_id IN (SELECT request_id FROM checked)
GROUP BY v.platform, v.layout, v.width, v.height, source_width, source_height
ORDER BY v.platform, v.layout, v.width, v.height, source_width, source_height
