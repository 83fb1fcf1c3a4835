-- Your own columns are carried through: clips and minutes by campaign
SELECT o.campaign, count(DISTINCT o.request_id) AS requests, count(c.clip_id) AS clips,
    round(sum(c.duration) / 60, 2) AS minutes
FROM outcomes o
LEFT JOIN clips c ON c.request_id = o.request_id
GROUP BY o.campaign
ORDER BY clips DESC
