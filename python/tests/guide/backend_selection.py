# Auto-backend selection
results = processor.process_batch_parallel(requests)

# Manual backend selection
results = processor.process_batch_parallel(requests, backend=BackendType.PROCESS)
