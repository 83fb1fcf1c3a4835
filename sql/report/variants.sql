-- The variants, the best first, at most $most.
SELECT variant_id AS id, clip_id AS clip, rank, platform, duration, width, height, layout, caption_style AS captions,
    title, hook_text AS hook, description, hashtags, viral_score AS score, score_model AS model, score_parts AS parts,
    predicted_engagement_rate AS engagement, predicted_hook_rate AS hook_rate, predicted_completion_rate AS completion,
    reason, error_code AS code, error_message AS message, experiment_id AS experiment
FROM variants
ORDER BY viral_score DESC, variant_id
LIMIT $most
