from clipflow import VideoEncodingProcessor

encoder = VideoEncodingProcessor()

# Batch encoding
encoded_data = encoder.batch_encode_videos(video_results)

# Parallel encoding with custom settings
encoded_data = encoder.batch_encode_videos(
    video_results,
    format="mp4",
    quality="high",
    parallel_workers=8
)
