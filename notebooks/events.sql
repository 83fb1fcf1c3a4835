-- Made-up events of two weeks for the variants of a dataset, so that there is something to look at: each variant is
-- shown 700 times. Viewers leave sooner where the picture is still and the sound is off, like what scores high, and
-- come less and less after the first day. Draws are multiples of odd numbers modulo 2^32: no chance, the same each time.
WITH posted AS (
    SELECT variant_id, platform, layout, experiment_id, duration, viral_score,
        CAST(row_number() OVER (ORDER BY variant_id) AS BIGINT) AS number,
        avg(viral_score) OVER () AS usual_score
    FROM variants
),
-- How many of those who began are still there at the end of each half second.
stays AS (
    SELECT p.variant_id, half,
        exp(-0.5 * sum(0.035 + 0.10 * coalesce(s.still, 0.5) + 0.05 * coalesce(s.silence, 0.3))
            OVER (PARTITION BY p.variant_id ORDER BY half)) AS share
    FROM (SELECT variant_id, unnest(range(0, CAST(ceil(2 * duration) AS BIGINT))) AS half FROM posted) p
    LEFT JOIN (
        SELECT variant_id, CAST(floor(2 * at) AS BIGINT) AS at_half, avg(1 - lively) AS still, avg(silence) AS silence
        FROM (SELECT *, percent_rank() OVER (PARTITION BY source_id ORDER BY motion) AS lively FROM variant_signals)
        GROUP BY variant_id, at_half
    ) s ON s.variant_id = p.variant_id AND s.at_half = p.half
),
draws AS (
    SELECT p.*, i,
        CAST((number * 1009 + i) * 2654435761 % 4294967296 AS DOUBLE) / 4294967296 AS will_play,
        CAST((number * 1009 + i) * 2246822519 % 4294967296 AS DOUBLE) / 4294967296 AS patience,
        CAST((number * 1009 + i) * 3266489917 % 4294967296 AS DOUBLE) / 4294967296 AS warmth,
        CAST((number * 1009 + i) * 668265263 % 4294967296 AS DOUBLE) / 4294967296 AS lateness,
        'u' || ((number * 1009 + i) * 374761393 % 4294967296 % 9001) AS viewer_id
    FROM posted p
    CROSS JOIN (SELECT unnest(range(0, 700)) AS i)
),
watched AS (
    SELECT d.variant_id, d.i, 0.5 * count(s.half) AS seconds
    FROM draws d
    LEFT JOIN stays s ON s.variant_id = d.variant_id AND s.share >= d.patience
    GROUP BY d.variant_id, d.i
),
shown AS (
    SELECT d.*, least(w.seconds, d.duration) AS seconds,
        -- What opens well is played more often; half of the plays come in the first 30 hours.
        will_play < 0.35 + 0.8 * (viral_score - usual_score) + CASE layout WHEN 'crop' THEN 0.06 WHEN 'split' THEN -0.05 ELSE 0 END AS plays,
        to_timestamp_seconds(CAST(to_unixtime(TIMESTAMP '2026-05-04T09:00:00') AS BIGINT) + 86400 * (number % 5)
            + CAST(least(-ln(1 - lateness) * 43 * 3600, 12 * 86400) AS BIGINT)) AS ts
    FROM draws d
    JOIN watched w ON w.variant_id = d.variant_id AND w.i = d.i
),
happened AS (
    SELECT variant_id, platform, ts, viewer_id, 'impression' AS event, CAST(NULL AS DOUBLE) AS value FROM shown
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view', NULL FROM shown WHERE plays
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'watch_seconds', seconds FROM shown WHERE plays
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_2s', NULL FROM shown WHERE plays AND seconds >= 2
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_3s', NULL FROM shown WHERE plays AND seconds >= 3
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_6s', NULL FROM shown WHERE plays AND seconds >= 6
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_25', NULL FROM shown WHERE plays AND seconds >= 0.25 * duration
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_50', NULL FROM shown WHERE plays AND seconds >= 0.5 * duration
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_75', NULL FROM shown WHERE plays AND seconds >= 0.75 * duration
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'view_100', NULL FROM shown WHERE plays AND seconds >= duration
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'like', NULL FROM shown WHERE plays AND warmth < 0.06 + 0.2 * (viral_score - usual_score) + 0.004 * seconds
    UNION ALL SELECT variant_id, platform, ts, viewer_id, 'share', NULL FROM shown WHERE plays AND warmth > 0.97 - 0.001 * seconds
)
SELECT variant_id, platform, ts, event, viewer_id, value
FROM happened
ORDER BY ts, variant_id, viewer_id, event
