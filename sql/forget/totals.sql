-- One row: what the requests of `doomed` have in the results, and what files only they use (`doomed_files`).
SELECT *
FROM (SELECT count(*) AS requests FROM doomed)
CROSS JOIN (SELECT count(*) AS clips FROM clips c LEFT SEMI JOIN doomed d ON d.request_id = c.request_id)
CROSS JOIN (SELECT count(*) AS variants FROM variants v LEFT SEMI JOIN doomed d ON d.request_id = v.request_id)
CROSS JOIN (SELECT count(*) AS sources FROM doomed_sources)
CROSS JOIN (SELECT count(bytes) AS files, coalesce(sum(bytes), 0) AS bytes FROM doomed_files)
