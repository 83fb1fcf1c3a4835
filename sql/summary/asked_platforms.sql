-- The lists of platforms that the requests of a run and its settings name, as they name them.
SELECT DISTINCT coalesce(audience_platforms(audience_profile), nullif($platforms, ''), audience_platforms($audience)) AS platforms
FROM checked
WHERE error_code IS NULL
ORDER BY platforms
