-- analysis: what a run knows of each source, put together again from the tables of its results.
SELECT s.location, s.source_id, s.validator, CAST(NULL AS VARCHAR) AS error_code, l.info, l.signals, l.shots, l.cues
FROM sources s
JOIN source_lists l ON l.source_id = s.source_id
