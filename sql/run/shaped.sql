-- shaped: the versions of every clip, as they are to be rendered; none when none are asked for.
-- Clips (narrow) are held in memory, sources (wide: a source a row) stream by.
WITH wanted AS (
    SELECT c.clip_id, c.request_id, c.source_id, c.start, c."end", r.language, r.asked_language, r.topic, r.experiment_id, d.texts,
        -- Of a span that the request gives, variants may show less.
        CASE WHEN r.start IS NULL THEN r.min_clip_length END AS min_clip_length,
        CASE WHEN r.start IS NULL THEN r.max_clip_length END AS max_clip_length,
        coalesce(nullif(trim(r.audience_profile), ''), $audience) AS audience,
        -- A row's own go before those of the batch.
        coalesce(audience_platforms(r.audience_profile), $platforms) AS platforms
    FROM selected c
    JOIN checked r ON r.request_id = c.request_id AND r.error_code IS NULL
    LEFT JOIN described d ON d.clip_id = c.clip_id
    WHERE $variants > 0
),
made AS (
    SELECT w.clip_id, w.request_id, w.source_id, w.experiment_id, a.info, a.signals, a.shots, a.faces,
        unnest(make_variants(
            with_size(with_texts(clip_brief(a.signals, a.shots, cues_in(a.cues, coalesce(w.asked_language, a.info['language'], w.language)),
                coalesce(w.asked_language, language_tag(a.info['language']), w.language), w.topic,
                a.info['width'], a.info['height'], a.info['nominal_fps'], w.start, w."end", w.min_clip_length, w.max_clip_length), w.texts), $size),
            $variants, w.audience, w.platforms, $captions
        )) AS v
    FROM wanted w
    JOIN (
        -- Faces of the chosen clips; without a detector there are none. They are joined to sources and not to clips, each
        -- of which would be held with the signals of its source.
        SELECT n.*, k.faces
        FROM (
            SELECT s.source_id, f.faces
            FROM (SELECT DISTINCT source_id FROM selected) s
            LEFT JOIN face_lists f ON f.source_id = s.source_id
        ) k
        JOIN (SELECT * FROM analysis WHERE error_code IS NULL) n ON n.source_id = k.source_id
    ) a ON a.source_id = w.source_id
)
SELECT stable_id(clip_id, v['platform'], json_text(v['edit']), v['title']) AS variant_id,
    clip_id, request_id, source_id, experiment_id,
    v['rank'] AS rank, v['platform'] AS platform, v['start'] AS start, v['end'] AS "end", v['duration'] AS duration,
    v['edit']['width'] AS width, v['edit']['height'] AS height, v['edit']['fps'] AS fps, v['edit']['layout'] AS layout, v['edit']['area'] AS area,
    -- The path of the window that the layout moves, if it moves one.
    framed_path(signals, shots, faces, v['start'], v['end'], info['width'], info['height'],
        v['edit']['width'], v['edit']['height'], v['edit']['layout']) AS reframe,
    v['edit']['segments'] AS segments, v['edit']['join'] AS "join",
    v['edit']['caption_style'] AS caption_style, v['edit']['caption_mode'] AS caption_mode, v['edit']['language'] AS language,
    v['edit']['safe_zone'] AS safe_zone, v['edit']['effects'] AS effects, v['edit']['loudness'] AS loudness,
    v['title_style'] AS title_style,
    -- Size and length of a file are no text for people.
    CASE WHEN v['text_origin'] <> 'facts' THEN v['title'] END AS title, v['hook_text'] AS hook_text, v['transcript'] AS transcript,
    CASE WHEN v['text_origin'] <> 'facts' THEN v['description'] END AS description,
    CASE WHEN v['text_origin'] <> 'facts' THEN v['hashtags'] END AS hashtags, v['text_origin'] AS text_origin, v['text_note'] AS text_note,
    v['predicted_engagement_rate'] AS predicted_engagement_rate, v['predicted_hook_rate'] AS predicted_hook_rate,
    v['predicted_completion_rate'] AS predicted_completion_rate,
    v['viral_score'] AS viral_score, v['score_model'] AS score_model, v['score_parts'] AS score_parts, v['reason'] AS reason
FROM made
