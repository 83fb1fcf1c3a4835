import pytest
from clipflow import VideoClipProcessor

def test_parallel_processing():
    processor = VideoClipProcessor()
    requests = generate_test_requests(10)

    results = processor.process_batch_parallel(requests)

    assert len(results) == 10
    assert all(result.success for result in results)
