# Get processing statistics
stats = processor.get_processing_stats()

# Monitor real-time performance
for metric in processor.get_performance_metrics():
    print(f"{metric.name}: {metric.value}")

# Export metrics to monitoring systems
processor.export_metrics_to_prometheus()
processor.export_metrics_to_datadog()
