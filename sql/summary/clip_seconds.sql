-- One row: the seconds of clips that requests of the source $location, which has $seconds, can get at the most.
-- Equal requests share their clips.
SELECT coalesce(sum(least(max_clips * least(max_clip_length, $seconds), $seconds)), 0) AS seconds
FROM (
    SELECT DISTINCT language, min_clip_length, max_clip_length, max_clips, start, "end", within_start, within_end
    FROM checked
    WHERE error_code IS NULL AND location = $location AND min_clip_length <= $seconds
)
