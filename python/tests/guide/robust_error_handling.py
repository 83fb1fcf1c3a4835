# Automatic retry with exponential backoff
processor = create_high_performance_processor(
    max_retries=3,
    retry_delay_seconds=1,
    exponential_backoff=True
)

# Custom error handling
def custom_error_handler(error: Exception, request: VideoClipRequest):
    logger.error(f"Failed to process {request.youtube_url}: {error}")
    return VideoClipResponse(error=str(error))

processor.set_error_handler(custom_error_handler)
