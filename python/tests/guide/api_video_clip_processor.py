class VideoClipProcessor:
    def process_batch_parallel(
        self,
        requests: List[VideoClipRequest],
        backend: BackendType = BackendType.AUTO
    ) -> List[VideoClipResponse]

    async def process_batch_async(
        self,
        requests: List[VideoClipRequest]
    ) -> List[VideoClipResponse]

    def validate_batch(
        self,
        requests: List[VideoClipRequest]
    ) -> List[bool]
