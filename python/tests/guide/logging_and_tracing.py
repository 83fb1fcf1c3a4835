# Structured logging
import structlog
logger = structlog.get_logger()

# Enable request tracing
processor = create_high_performance_processor(
    enable_tracing=True,
    trace_sampling_rate=0.1
)

# Custom logging
def custom_logger(level: str, message: str, **kwargs):
    logger.log(level, message, **kwargs)

processor.set_logger(custom_logger)
