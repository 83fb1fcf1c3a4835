# Reduce batch size
processor = create_high_performance_processor(chunk_size=100)

# Enable garbage collection
processor = create_high_performance_processor(enable_gc=True)
