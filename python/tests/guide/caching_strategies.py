# Enable result caching
processor = create_high_performance_processor(
    enable_caching=True,
    cache_ttl_hours=24
)

# Custom cache key generation
def custom_cache_key(request: VideoClipRequest) -> str:
    return f"{request.youtube_url}_{request.language}_{request.max_clip_length}"
