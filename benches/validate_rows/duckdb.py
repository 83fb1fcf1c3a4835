"""The rules of benches/validate_rows as one DuckDB query: REQUESTS VERDICTS BASE -> "wall cpu" in seconds."""

import sys
import time

import duckdb

requests, verdicts, base = sys.argv[1:4]
RULES = """
    WHEN source_url IS NULL THEN ('missing_url', 'source_url is empty; name the video by a path or URL')
    WHEN strlen(source_url) > 8192 OR regexp_matches(source_url, '[\\x00-\\x1f\\x7f]')
        OR (contains(source_url, '://') AND NOT regexp_matches(source_url, '^\\s*[A-Za-z][A-Za-z0-9+.-]*://[^/?#\\s]'))
        OR regexp_matches(source_url, '(?i)^\\s*(about|blob|data|javascript|mailto|tel):')
        THEN ('bad_url', 'source_url "' || source_url || '" names no video; give a path or a URL such as https://host/video.mp4')
    WHEN NOT isfinite(min_clip_length) OR min_clip_length < 0.5
        THEN ('bad_length', 'min_clip_length is ' || min_clip_length || ' s; make it at least 0.5 s')
    WHEN NOT isfinite(max_clip_length) OR max_clip_length > 600
        THEN ('bad_length', 'max_clip_length is ' || max_clip_length || ' s; make it at most 600 s')
    WHEN min_clip_length > max_clip_length
        THEN ('bad_length', 'max_clip_length is ' || max_clip_length || ' s but min_clip_length is ' || min_clip_length
            || ' s; make the maximum at least the minimum')
    WHEN max_clips NOT BETWEEN 1 AND 100
        THEN ('bad_max_clips', 'max_clips is ' || max_clips || '; make it a number from 1 to 100')
    WHEN NOT regexp_matches(language, '(?i)^[a-z]{2,3}([-_][a-z0-9]{2,8})*$')
        THEN ('bad_language', 'language is "' || language || '"; give an ISO 639 or BCP 47 tag such as en, eng or pt-BR')
    WHEN occurrence > 1
        THEN ('duplicate_id', 'request_id ' || request_id || ' stands in an earlier row too; give each row its own')
"""
QUERY = f"""
COPY (
    WITH filled AS (
        SELECT file_row_number + 1 AS "row", nullif(trim(request_id), '') AS request_id,
            nullif(trim(source_url), '') AS source_url, coalesce(nullif(trim(language), ''), 'en') AS language,
            coalesce(min_clip_length, least(15, max_clip_length)) AS min_clip_length,
            coalesce(max_clip_length, greatest(60, min_clip_length)) AS max_clip_length,
            coalesce(max_clips, 3) AS max_clips, campaign
        FROM read_parquet('{requests}', file_row_number = true)
    ),
    judged AS (
        SELECT *, CASE {RULES} END AS verdict
        FROM (SELECT *, row_number() OVER (PARTITION BY request_id ORDER BY "row") AS occurrence FROM filled)
    )
    SELECT "row", request_id, source_url, language, min_clip_length, max_clip_length,
        CASE WHEN verdict IS NULL THEN least(max_clips, 100) ELSE max_clips END AS max_clips, campaign,
        CASE WHEN contains(source_url, '://') THEN source_url ELSE '{base}/' || source_url END AS location,
        'invalid_request.' || verdict[1] AS error_code, verdict[2] AS error_message
    FROM judged ORDER BY "row"
) TO '{verdicts}' (FORMAT parquet, COMPRESSION zstd)
"""

connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
wall, cpu = time.perf_counter(), time.process_time()
connection.execute(QUERY)
print(time.perf_counter() - wall, time.process_time() - cpu)
