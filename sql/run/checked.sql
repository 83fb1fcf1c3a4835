-- checked: every request row with its defaults filled in, the place of its source, and what is wrong with it.
-- Reads intake (the request file as it is, columns coerced; `malformed` says which value would not coerce).
WITH filled AS (
    SELECT * REPLACE (
        coalesce(nullif(trim(language), ''),
            audience_language(coalesce(nullif(trim(audience_profile), ''), $audience)), $language) AS language,
        -- A row that gives only one bound moves the other one's default out of its way.
        -- A row that gives the very span wants that one clip, of that length: where times count frames (timecodes), it is
        -- known when the source is.
        coalesce(CASE WHEN timecodes IS NULL THEN "end" - start END, min_clip_length, least($min_clip_length, max_clip_length)) AS min_clip_length,
        coalesce(CASE WHEN timecodes IS NULL THEN "end" - start END, max_clip_length, greatest($max_clip_length, min_clip_length)) AS max_clip_length,
        CASE WHEN start IS NOT NULL AND "end" IS NOT NULL THEN 1 ELSE coalesce(max_clips, $max_clips) END AS max_clips,
        nullif(lower(trim(hdr)), '') AS hdr
    ),
        coalesce(nullif(trim(language), ''),
            audience_language(coalesce(nullif(trim(audience_profile), ''), $audience))) AS asked_language,
        -- The sound track that is wanted; one in the language of the captions, if there is one, where none is named.
        coalesce(nullif(trim(audio_track), ''), nullif($audio_track, ''),
            '?' || coalesce(nullif(trim(language), ''),
                audience_language(coalesce(nullif(trim(audience_profile), ''), $audience)))) AS sound
    FROM intake
),
-- A row without an id gets one from what it asks for; the second row that asks for the same is told
-- apart by its number among them, whatever stands between them. (occurrence() numbers rows in the file's
-- order, which is the order they come in: nothing is sorted.)
numbered AS (
    SELECT *, occurrence(CASE WHEN request_id IS NULL THEN stable_id(
            source_url, language, min_clip_length, max_clip_length, max_clips, audience_profile, experiment_id,
            start, "end", within_start, within_end, audio_track, hdr, timecodes
        ) END) OVER (ORDER BY "row") AS occurrence
    FROM filled
),
named AS (
    SELECT * EXCEPT (occurrence) REPLACE (
        -- Ids of requests that say no span, no track, no range and no frames are those of when there were none.
        coalesce(request_id, CASE WHEN coalesce(hdr, timecodes) IS NOT NULL THEN stable_id(
                source_url, language, min_clip_length, max_clip_length, max_clips, audience_profile, experiment_id,
                start, "end", within_start, within_end, audio_track, hdr, timecodes, occurrence)
            WHEN coalesce(start, "end", within_start, within_end) IS NULL AND audio_track IS NULL
            THEN stable_id(
                source_url, language, min_clip_length, max_clip_length, max_clips, audience_profile, experiment_id,
                occurrence)
            WHEN audio_track IS NULL THEN stable_id(
                source_url, language, min_clip_length, max_clip_length, max_clips, audience_profile, experiment_id,
                start, "end", within_start, within_end, occurrence)
            ELSE stable_id(
                source_url, language, min_clip_length, max_clip_length, max_clips, audience_profile, experiment_id,
                start, "end", within_start, within_end, audio_track, occurrence)
        END) AS request_id
    )
    FROM numbered
),
judged AS (
    SELECT *,
        occurrence(request_id) OVER (ORDER BY "row") AS occurrence,
        validate_request(source_url, language, min_clip_length, max_clip_length, max_clips) AS verdict,
        CASE
            WHEN timecodes IS NULL THEN span_error(start, "end", within_start, within_end, min_clip_length)
            WHEN start IS NULL OR "end" IS NULL THEN span_error(start, "end", NULL, NULL, min_clip_length)
        END AS span_error,
        audience_error(audience_profile) AS audience_error,
        coalesce(audio_track_error(audio_track), CASE
            WHEN hdr = 'keep' THEN $keep_error
            WHEN hdr <> 'sdr' THEN 'hdr is ' || hdr || '; give sdr (tone-mapped to BT.709), keep (10 bits, in plain clips), or nothing'
        END) AS track_error
    FROM named
)
SELECT * EXCEPT (malformed, occurrence, verdict, span_error, audience_error, track_error) REPLACE (
        CASE WHEN verdict['error_code'] IS NULL THEN least(max_clips, $max_clips_limit) ELSE max_clips END AS max_clips
    ),
    source_location(source_url) AS location,
    CASE
        WHEN malformed IS NOT NULL THEN 'invalid_request.bad_value'
        WHEN span_error IS NOT NULL THEN 'invalid_request.bad_span'
        WHEN verdict['error_code'] IS NOT NULL THEN verdict['error_code']
        WHEN coalesce(audience_error, track_error) IS NOT NULL THEN 'invalid_request.bad_value'
        WHEN occurrence > 1 THEN 'invalid_request.duplicate_id'
    END AS error_code,
    CASE
        WHEN malformed IS NOT NULL THEN malformed
        WHEN span_error IS NOT NULL THEN span_error
        WHEN verdict['error_code'] IS NOT NULL THEN verdict['error_message']
        WHEN coalesce(audience_error, track_error) IS NOT NULL THEN coalesce(audience_error, track_error)
        WHEN occurrence > 1 THEN 'request_id ' || request_id || ' stands in an earlier row too; give each row its own'
    END AS error_message
FROM judged
ORDER BY "row"
