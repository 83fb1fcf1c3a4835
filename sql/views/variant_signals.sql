-- What each variant shows when: the signals of its source in it, at the seconds (`at`) of its own clock. What
-- precedes a cold open stands twice, and what is left out not at all; a join is shared out in its middle.
WITH pieces AS (
    SELECT variant_id, source_id, CASE WHEN "join" = 'cut' THEN 0.0 ELSE 0.4 END AS overlap,
        unnest(segments) AS segment, unnest(range(0, CAST(array_length(segments) AS BIGINT))) AS place,
        CAST(array_length(segments) AS BIGINT) - 1 AS last_place
    FROM variants
),
seen AS (
    SELECT variant_id, source_id, overlap, place, last_place, segment['start'] AS start, segment['end'] AS "end",
        segment['speed'] AS speed, (segment['end'] - segment['start']) / segment['speed'] AS seconds
    FROM pieces
),
placed AS (
    SELECT *, sum(seconds - overlap) OVER (PARTITION BY variant_id ORDER BY place) - seconds + overlap AS shown
    FROM seen
),
moments AS (
    SELECT p.variant_id, p.shown + (s.t - p.start) / p.speed AS at, s.*,
        CASE WHEN p.place = 0 THEN 0.0 ELSE p.shown + 0.5 * p.overlap END AS from_second,
        p.shown + p.seconds - CASE WHEN p.place = p.last_place THEN 0.0 ELSE 0.5 * p.overlap END AS to_second
    FROM placed p
    JOIN signals s ON s.source_id = p.source_id AND s.t >= p.start AND s.t < p."end"
)
SELECT * EXCEPT (from_second, to_second)
FROM moments
WHERE at >= from_second AND at < to_second
