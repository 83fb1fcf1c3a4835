-- What went wrong most often?
SELECT * FROM failures
