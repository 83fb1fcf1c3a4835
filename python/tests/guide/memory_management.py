# Memory-efficient processing
processor = create_high_performance_processor(
    memory_limit_gb=8,
    enable_garbage_collection=True
)

# Streaming processing for very large datasets
for batch in processor.stream_process(large_dataset):
    yield batch
