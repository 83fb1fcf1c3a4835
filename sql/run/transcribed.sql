-- transcribed: what is said in these sources, each transcribed once.
SELECT *
FROM transcribe_media((SELECT location, language FROM untranscribed))
