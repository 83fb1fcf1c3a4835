class ViralVideoProcessor:
    def process_batch_parallel(
        self,
        requests: List[VideoClipRequest],
        n_variants: int = 5,
        audience_profile: Dict = None
    ) -> List[ViralVideoBatchResponse]

    def batch_generate_variants(
        self,
        results: List[ViralVideoBatchResponse]
    ) -> List[List[ViralVideoVariant]]
