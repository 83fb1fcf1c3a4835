# Optimal batch sizes
small_batch = 10-50 items      # Threading/Async
medium_batch = 50-500 items    # Joblib/Multiprocessing
large_batch = 500+ items       # Dask/Distributed

# Chunk processing for large datasets
for chunk in processor.chunk_data(large_dataset, chunk_size=1000):
    results = processor.process_batch_parallel(chunk)
