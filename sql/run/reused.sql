-- reused: what an earlier run has measured of sources that requests want again, as `analysis` has it.
SELECT r.location, r.sound, r.requests, r.source_id, s.validator, l.info, l.signals, l.shots, l.cues,
    CAST(NULL AS VARCHAR) AS error_code, CAST(NULL AS VARCHAR) AS error_message, CAST(0 AS BIGINT) AS attempts, CAST(0 AS DOUBLE) AS elapsed
FROM reused_sources r
JOIN (SELECT source_id, validator FROM held_sources) s ON s.source_id = r.source_id
JOIN held_lists l ON l.source_id = r.source_id
