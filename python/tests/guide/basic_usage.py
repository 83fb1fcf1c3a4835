from clipflow import create_high_performance_processor
from clipflow import VideoClipRequest

# Create processor
processor = create_high_performance_processor()

# Generate requests
requests = [
    VideoClipRequest(
        youtube_url="talk.mp4",
        language="en",
        max_clip_length=60
    )
    for _ in range(100)
]

# Process in parallel
results = processor.process_batch_parallel(requests)
