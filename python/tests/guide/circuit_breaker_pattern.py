# Circuit breaker for external services
processor = create_high_performance_processor(
    circuit_breaker_enabled=True,
    failure_threshold=5,
    recovery_timeout_seconds=60
)
