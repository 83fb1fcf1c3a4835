# Enable debug mode
processor = create_high_performance_processor(debug=True)

# Get detailed logs
logs = processor.get_debug_logs()
for log in logs:
    print(f"{log.timestamp}: {log.message}")
