-- The requests with times that count frames in seconds of their source, and checked as those of other rows.
WITH timed AS (
    SELECT c.* REPLACE (
            CASE WHEN t.location IS NULL THEN c.start ELSE coalesce(t.start, CASE WHEN t.error_code IS NULL THEN c.start END) END AS start,
            CASE WHEN t.location IS NULL THEN c."end" ELSE coalesce(t."end", CASE WHEN t.error_code IS NULL THEN c."end" END) END AS "end",
            CASE WHEN t.location IS NULL THEN c.within_start
                ELSE coalesce(t.within_start, CASE WHEN t.error_code IS NULL THEN c.within_start END) END AS within_start,
            CASE WHEN t.location IS NULL THEN c.within_end
                ELSE coalesce(t.within_end, CASE WHEN t.error_code IS NULL THEN c.within_end END) END AS within_end,
            coalesce(c.error_code, t.error_code) AS error_code,
            coalesce(c.error_message, t.error_message) AS error_message
        ), t.location IS NOT NULL AND t.error_code IS NULL AS is_timed
    FROM checked c
    LEFT JOIN frame_times t ON t.location = c.location AND t.timecodes = c.timecodes AND c.error_code IS NULL
),
judged AS (
    SELECT *, CASE WHEN is_timed THEN span_error(start, "end", within_start, within_end, min_clip_length) END AS span_error
    FROM timed
)
SELECT * EXCEPT (is_timed, span_error) REPLACE (
    CASE WHEN is_timed AND span_error IS NULL THEN coalesce("end" - start, min_clip_length) ELSE min_clip_length END AS min_clip_length,
    CASE WHEN is_timed AND span_error IS NULL THEN coalesce("end" - start, max_clip_length) ELSE max_clip_length END AS max_clip_length,
    CASE WHEN span_error IS NULL THEN error_code ELSE 'invalid_request.bad_span' END AS error_code,
    coalesce(span_error, error_message) AS error_message
)
FROM judged
ORDER BY "row"
