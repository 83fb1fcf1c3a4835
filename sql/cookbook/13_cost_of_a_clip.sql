-- What does a clip cost? Seconds of CPU, seconds of source and megabytes for each clip, by run
SELECT run_id, clips, round(cpu / clips, 2) AS cpu_seconds_a_clip, round(decoded / clips, 2) AS source_seconds_a_clip,
    round(bytes / clips / 1e6, 3) AS megabytes_a_clip, round(decoded / nullif(seconds, 0), 2) AS source_seconds_a_second
FROM (
    SELECT run_id,
        sum(CASE WHEN metric = 'clipflow_clips_total' THEN value END) AS clips,
        sum(CASE WHEN metric = 'clipflow_media_cpu_seconds_total' THEN value ELSE 0 END) AS cpu,
        sum(CASE WHEN metric = 'clipflow_video_seconds_total' AND stage = 'analyze' THEN value ELSE 0 END) AS decoded,
        sum(CASE WHEN metric = 'clipflow_rendered_bytes_total' THEN value ELSE 0 END) AS bytes,
        sum(CASE WHEN metric = 'clipflow_run_duration_seconds' THEN value ELSE 0 END) AS seconds
    FROM run_stats
    GROUP BY run_id
)
WHERE clips > 0
ORDER BY run_id
