from clipflow import ViralAnalyticsProcessor

analytics = ViralAnalyticsProcessor()

# Batch performance analysis
performance_data = analytics.batch_analyze_performance(viral_results)

# Custom metrics
custom_metrics = analytics.batch_analyze_performance(
    viral_results,
    metrics=['engagement_rate', 'viral_coefficient', 'audience_reach']
)
