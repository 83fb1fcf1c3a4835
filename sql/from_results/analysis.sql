-- analysis: what a run knows of each source, put together again from the tables of its results.
WITH signal_lists AS (
    SELECT source_id, array_agg(named_struct('t', t, 'shot_score', shot_score, 'motion', motion, 'luma', luma,
        'chroma', chroma, 'saliency_x', saliency_x, 'saliency_y', saliency_y, 'loudness', loudness, 'onset', onset,
        'speech', speech, 'silence', silence, 'caption_density', caption_density) ORDER BY t) AS signals
    FROM signals
    GROUP BY source_id
),
shot_lists AS (
    SELECT source_id, array_agg(named_struct('shot_id', shot_id, 'start', start, 'end', "end",
        'transition', transition, 'score', score, 'first_frame', first_frame, 'last_frame', last_frame) ORDER BY shot_id) AS shots
    FROM shots
    GROUP BY source_id
),
cue_lists AS (
    SELECT source_id, array_agg(named_struct('cue_id', cue_id, 'start', start, 'end', "end", 'text', text,
        'language', language, 'origin', origin, 'words', words) ORDER BY cue_id) AS cues
    FROM cues
    GROUP BY source_id
)
SELECT s.location, s.source_id, s.validator, CAST(NULL AS VARCHAR) AS error_code,
    named_struct('tool_version', s.tool_version, 'container', s.container, 'bytes', s.bytes, 'duration', s.duration,
        'start_offset', s.start_offset, 'video_codec', s.video_codec, 'width', s.width, 'height', s.height,
        'rotation', s.rotation, 'fps', s.fps, 'variable_fps', s.variable_fps, 'frames', s.frames,
        'audio_codec', s.audio_codec, 'sample_rate', s.sample_rate, 'channels', s.channels, 'loudness', s.loudness,
        'language', s.language, 'caption_tracks', s.caption_tracks) AS info,
    g.signals, h.shots, q.cues
FROM sources s
LEFT JOIN signal_lists g ON g.source_id = s.source_id
LEFT JOIN shot_lists h ON h.source_id = s.source_id
LEFT JOIN cue_lists q ON q.source_id = s.source_id
