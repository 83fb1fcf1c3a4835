-- Files that answer several requests: encoded once
SELECT uri, count(*) AS requests, max(bytes) AS bytes
FROM (SELECT DISTINCT uri, request_id, bytes FROM renditions)
GROUP BY uri
HAVING count(*) > 1
ORDER BY requests DESC
