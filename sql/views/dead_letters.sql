-- dead_letters: the requests that failed, as they were asked, and of what. Written to a file it is a
-- request file: running it into the same folder tries just these again, and answers take the place of
-- failures. (These four columns are then left out.)
SELECT
    -- The row that came first has this id and may be answered: a new try must not take its place.
    CASE WHEN o.error_code = 'invalid_request.duplicate_id' THEN NULL ELSE r.request_id END AS request_id,
    -- A relative path meant a file beside the request file of then.
    CASE WHEN r.location LIKE '/%' THEN r.location ELSE r.source_url END AS source_url,
    -- A language that nobody named is none that the new try is to go by.
    r.* EXCEPT (request_id, source_url, location, "row", request_file, asked_language)
        REPLACE (CASE WHEN r.asked_language IS NULL AND r.language = 'en' THEN NULL ELSE r.language END AS language),
    o.error_code, o.error_message, o.attempts,
    may_change(o.error_code) AS may_change
FROM requests r
JOIN outcomes o ON o.request_id = r.request_id AND o."row" = r."row"
WHERE o.status = 'failed'
