-- The times that count frames, each once, by source.
SELECT DISTINCT location, timecodes FROM checked
WHERE timecodes IS NOT NULL AND error_code IS NULL
ORDER BY location, timecodes
