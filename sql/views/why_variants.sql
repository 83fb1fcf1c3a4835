-- why_variants: each variant, with what adds most to its score and what takes most from it.
WITH parts AS (
    SELECT variant_id, unnest(score_parts) AS p FROM variants
),
ranked AS (
    SELECT variant_id, p['feature'] AS feature, p['part'] AS part,
        row_number() OVER (PARTITION BY variant_id ORDER BY p['part'] DESC, p['feature']) AS best,
        row_number() OVER (PARTITION BY variant_id ORDER BY p['part'], p['feature']) AS worst
    FROM parts
),
strong AS (
    SELECT variant_id, string_agg(feature || ' +' || CAST(round(part, 2) AS VARCHAR), ', ' ORDER BY best) AS strengths
    FROM ranked WHERE best <= 3 AND part >= 0.01 GROUP BY variant_id
),
weak AS (
    SELECT variant_id, string_agg(feature || ' ' || CAST(round(part, 2) AS VARCHAR), ', ' ORDER BY worst) AS weaknesses
    FROM ranked WHERE worst <= 2 AND part <= -0.01 GROUP BY variant_id
)
SELECT v.request_id, v.clip_id, v.variant_id, v.rank, v.platform, v.viral_score, s.strengths, w.weaknesses, v.reason
FROM variants v
LEFT JOIN strong s ON s.variant_id = v.variant_id
LEFT JOIN weak w ON w.variant_id = v.variant_id
