from clipflow import create_high_performance_viral_processor

# Create viral processor
viral_processor = create_high_performance_viral_processor()

# Process with viral variants
viral_results = viral_processor.process_batch_parallel(
    requests,
    n_variants=5,
    audience_profile={'age': '18-35', 'interests': ['tech']}
)
