from clipflow import ParallelConfig, BackendType

# Custom configuration
config = ParallelConfig(
    max_workers=16,
    chunk_size=1000,
    timeout=60.0,
    backend=BackendType.PROCESS,
    use_uvloop=True,
    use_numba=True
)

# Create processor with custom config
processor = VideoClipProcessor(config)
