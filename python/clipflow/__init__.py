"""Turns a table of video clip requests into clips, viral variants and answers, with query plans.

>>> import clipflow
>>> results = clipflow.run([{"source_url": "talk.mp4"}], "results")
>>> results.clips.to_polars()

Everything is a table: ``results.clips``, ``results.sql("SELECT …")``. The processors have the names of the guide.
See ``docs/user/python.md``.
"""

from ._clipflow import Stop, __version__
from ._doors import (
    PolarsExpressions,
    call_function,
    polars_expression,
    polars_expressions,
    register_duckdb,
    scalar_functions,
)
from ._errors import ClipflowError
from ._functions import (
    error_codes,
    experiment,
    list_settings,
    open,  # noqa: A004
    performance,
    query,
    render,
    run,
    run_comprehensive_benchmark,
    sql,
    train,
    validate,
)
from ._records import (
    BackendType,
    ClipFile,
    EncodedVideo,
    ParallelConfig,
    VideoClipResponse,
    ViralVideoBatchResponse,
    ViralVideoVariant,
)
from ._requests import VideoClipRequest
from ._results import Experiment, Rendered, Results, RunSummary, Table, Trained, Validation
from .processors import (
    VideoClipProcessor,
    VideoEncodingProcessor,
    ViralAnalyticsProcessor,
    ViralVideoProcessor,
    create_high_performance_processor,
    create_high_performance_viral_processor,
)

__all__ = [
    "BackendType",
    "ClipFile",
    "ClipflowError",
    "EncodedVideo",
    "Experiment",
    "ParallelConfig",
    "PolarsExpressions",
    "Rendered",
    "Results",
    "RunSummary",
    "Stop",
    "Table",
    "Trained",
    "Validation",
    "VideoClipProcessor",
    "VideoClipRequest",
    "VideoClipResponse",
    "VideoEncodingProcessor",
    "ViralAnalyticsProcessor",
    "ViralVideoBatchResponse",
    "ViralVideoProcessor",
    "ViralVideoVariant",
    "__version__",
    "call_function",
    "create_high_performance_processor",
    "create_high_performance_viral_processor",
    "error_codes",
    "experiment",
    "list_settings",
    "open",
    "performance",
    "polars_expression",
    "polars_expressions",
    "query",
    "register_duckdb",
    "render",
    "run",
    "run_comprehensive_benchmark",
    "scalar_functions",
    "sql",
    "train",
    "validate",
]
