@dataclass
class ParallelConfig:
    max_workers: int = 8
    chunk_size: int = 1000
    timeout: float = 30.0
    backend: BackendType = BackendType.AUTO
    use_uvloop: bool = True
    use_numba: bool = False
    memory_limit_gb: int = 4
    enable_caching: bool = False
    enable_tracing: bool = False
    debug: bool = False
