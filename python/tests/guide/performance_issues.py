# Profile performance
stats = processor.get_processing_stats()

# Try different backends
results = processor.process_batch_parallel(requests, backend=BackendType.PROCESS)
