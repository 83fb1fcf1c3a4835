-- transcribed: what is said in these sources, each transcribed once.
SELECT *
FROM transcribe_media((SELECT location, source_id, language, audio_track, channel_fault FROM untranscribed))
