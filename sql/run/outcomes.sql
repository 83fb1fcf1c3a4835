-- outcomes: exactly one row per request row. A request is ok when it has clips, and at least one of the files that
-- were to be made of them (a clip or variant without its own says so in clips and variants); else it carries the
-- first thing that went wrong and has no clips.
WITH windows AS (
    SELECT request_id, count(*) AS candidates FROM candidates GROUP BY request_id
),
cut AS (
    SELECT request_id, count(*) AS clips FROM selected GROUP BY request_id
),
versions AS (
    SELECT request_id, count(*) AS variants FROM shaped GROUP BY request_id
),
broken AS (
    SELECT request_id,
        first_value(error_code ORDER BY clip_rank, variant_rank) AS error_code,
        first_value(error_message ORDER BY clip_rank, variant_rank) AS error_message
    FROM files
    WHERE error_code IS NOT NULL AND request_id NOT IN (SELECT request_id FROM files WHERE error_code IS NULL)
    GROUP BY request_id
),
spent AS (
    SELECT location, sound, source_id, error_code, error_message, attempts, elapsed, info['duration'] AS duration FROM analysis
),
-- Columns that no request has: why the source has no clip where the request wants one, and the shortest clip that
-- can be made for its platforms.
asked AS (
    SELECT r.*, a.source_id AS source_id, t.trace_id, a.duration AS "clipflow: duration",
        outside_message(r.start, r."end", r.within_start, r.within_end, r.min_clip_length, a.duration) AS "clipflow: outside",
        CASE WHEN $variants > 0 AND r.start IS NULL THEN shortest_variant(coalesce(nullif(trim(r.audience_profile), ''), $audience),
            coalesce(audience_platforms(r.audience_profile), $platforms)) END AS "clipflow: shortest"
    FROM checked r
    LEFT JOIN spent a ON a.location = r.location AND (a.sound IS NOT DISTINCT FROM r.sound) AND r.error_code IS NULL
    LEFT JOIN traces t ON t.location = r.location AND r.error_code IS NULL
),
ended AS (
    SELECT r.*, greatest(a.attempts, d.attempts) AS attempts, a.elapsed + coalesce(d.elapsed, 0) AS elapsed, w.candidates, f.clips, v.variants,
        coalesce(r.error_code, a.error_code, u.error_code, b.error_code,
            CASE WHEN f.clips IS NULL OR ($variants > 0 AND NOT $plain_clips AND v.variants IS NULL)
                THEN CASE WHEN f.clips IS NULL AND r."clipflow: outside" IS NOT NULL THEN 'selection.outside'
                    ELSE 'selection.no_candidate' END END) AS code,
        coalesce(r.error_message, a.error_message, u.error_message, b.error_message,
            CASE
                WHEN f.clips IS NULL AND r."clipflow: outside" IS NOT NULL THEN r."clipflow: outside"
                WHEN f.clips IS NULL AND coalesce(r."clipflow: shortest" <= least(r.max_clip_length, r."clipflow: duration"), true)
                    THEN no_candidate_message(r."clipflow: duration", greatest(r.min_clip_length, r."clipflow: shortest"), r.max_clip_length)
                ELSE no_variant_message(coalesce(nullif(trim(r.audience_profile), ''), $audience),
                    coalesce(audience_platforms(r.audience_profile), $platforms), r.min_clip_length, r.max_clip_length) END) AS message
    FROM asked r
    LEFT JOIN spent a ON a.location = r.location AND (a.sound IS NOT DISTINCT FROM r.sound) AND r.error_code IS NULL
    LEFT JOIN (SELECT source_id, attempts, elapsed FROM rendered) d ON d.source_id = a.source_id
    LEFT JOIN windows w ON w.request_id = r.request_id AND r.error_code IS NULL
    LEFT JOIN cut f ON f.request_id = r.request_id AND r.error_code IS NULL
    LEFT JOIN versions v ON v.request_id = r.request_id AND r.error_code IS NULL
    LEFT JOIN unconsidered u ON u.request_id = r.request_id AND r.error_code IS NULL
    LEFT JOIN broken b ON b.request_id = r.request_id AND r.error_code IS NULL
)
SELECT request_id, "row", without_signature(source_url) AS source_url, source_id,
    CASE WHEN code IS NULL THEN 'ok' ELSE 'failed' END AS status,
    code AS error_code,
    CASE WHEN code IS NOT NULL THEN message END AS error_message,
    coalesce(attempts, 0) AS attempts,
    coalesce(elapsed, 0) AS elapsed,
    coalesce(candidates, 0) AS candidates,
    CASE WHEN code IS NULL THEN clips ELSE 0 END AS clips,
    CASE WHEN code IS NULL THEN coalesce(variants, 0) ELSE 0 END AS variants,
    trace_id,
    * EXCEPT (request_id, "row", source_url, source_id, location, language, asked_language, min_clip_length, max_clip_length, max_clips,
        audience_profile, experiment_id, topic, start, "end", within_start, within_end, audio_track, hdr, sound, timecodes, "clipflow: duration", "clipflow: outside",
        "clipflow: shortest", error_code, error_message, attempts, elapsed, candidates, clips, variants, trace_id, code, message)
FROM ended
ORDER BY "row"
