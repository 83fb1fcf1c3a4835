-- Where are the clips?
SELECT request_id, clip_rank, uri, width, height, frames, round(duration, 2) AS seconds, hook_text
FROM clip_files
ORDER BY request_id, clip_rank
