-- face_signals: faces by quarters of a second of the chosen clips: how many are seen at once, how large the largest is
-- (height as a share of the picture), and where who speaks is (as a share of the width; NULL: nobody surely speaks).
WITH placed AS (
    SELECT source_id, floor(t * 4) / 4 AS bucket, t, track, x + width / 2 AS middle, height, speaking
    FROM faces
),
tracks AS (
    SELECT source_id, bucket, track, avg(middle) AS middle, max(height) AS height, avg(speaking) AS speaking
    FROM placed
    GROUP BY source_id, bucket, track
)
SELECT source_id, bucket AS t, count(*) AS face_count, max(height) AS face_size,
    CASE WHEN max(speaking) >= 0.5
        THEN first_value(middle ORDER BY speaking DESC NULLS LAST, track) END AS speaker_x
FROM tracks
GROUP BY source_id, bucket
