"""A clip of a video of one's own, with nothing but the wheel installed."""

import clipflow

requests = [{"source_url": "talk.mp4", "min_clip_length": 4, "max_clip_length": 9, "max_clips": 1}]
results = clipflow.run(requests, "results")
assert len(results.clips) == 1 and hasattr(results.clips, "__arrow_c_stream__")
print(results.summary)
