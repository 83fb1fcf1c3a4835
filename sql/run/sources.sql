SELECT source_id, location, validator,
    info['tool_version'] AS tool_version, info['container'] AS container, info['bytes'] AS bytes, info['duration'] AS duration,
    info['start_offset'] AS start_offset, info['video_codec'] AS video_codec,
    info['width'] AS width, info['height'] AS height, info['rotation'] AS rotation,
    info['fps'] AS fps, info['variable_fps'] AS variable_fps, info['frames'] AS frames,
    info['audio_codec'] AS audio_codec, info['sample_rate'] AS sample_rate, info['channels'] AS channels,
    info['loudness'] AS loudness, info['language'] AS language, info['caption_tracks'] AS caption_tracks
FROM analysis
WHERE error_code IS NULL
ORDER BY source_id
