-- selected: all clips of the results. Those of the requests asked for as plain clips get the media_id that they have
-- with these settings; the others stay, for their variants, and are no files of their own.
SELECT * EXCEPT (media_id, is_asked),
    CASE WHEN is_asked THEN stable_id(source_id, start, "end", $render_settings) END AS media_id
FROM clips_asked
