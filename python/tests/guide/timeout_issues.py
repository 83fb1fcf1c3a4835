# Increase timeout
processor = create_high_performance_processor(timeout=120.0)

# Use async for I/O operations
results = await processor.process_batch_async(requests)
