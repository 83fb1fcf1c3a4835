-- One row per output that was asked for: the file it is, or its error.
SELECT request_id, clip_id, variant_id, facts['container'] AS container, facts['bytes'] AS bytes,
    coalesce(uri, 'media/' || facts['rendition_id'] || '.' || facts['container']) AS uri,
    error_code, error_message
FROM files
ORDER BY request_id, clip_rank, variant_rank
