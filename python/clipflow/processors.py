"""The names of the guide: processors that take batches of requests and give one response for each."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from . import _clipflow
from ._clipflow import Stop
from ._errors import ClipflowError
from ._functions import Path, names
from ._records import (
    RESERVED,
    BackendType,
    EncodedVideo,
    LogEntry,
    LogLevel,
    Metric,
    ParallelConfig,
    VideoClipResponse,
    ViralVideoBatchResponse,
    ViralVideoVariant,
    json_of,
    responses_of,
)
from ._requests import VideoClipRequest, as_row, chunks, crossing, is_table
from ._results import Record, Table
from ._settings import json_text, location, settings, with_workers

#: Where a processor writes and reads if it is told no other place.
DEFAULT_OUT = "results"


ErrorHandler = Callable[[ClipflowError, VideoClipRequest], VideoClipResponse | None]


class Processor:
    """What the processors have in common."""

    def __init__(
        self,
        config: ParallelConfig | None = None,
        *,
        out: Path = DEFAULT_OUT,
        base: Path | None = None,
        **values: Any,
    ) -> None:
        self.out = location(out)
        self._base = None if base is None else location(base)
        # Each batch may name a backend of its own.
        self._settings = with_workers(settings({**(config.values() if config else {}), **values}))
        self._native = _clipflow.Processor(self.out, self._base, self._settings)

    def validate_batch(self, requests: Iterable[Any]) -> list[bool]:
        """Whether each request can be run, without touching its source."""
        return self._native.validate(json.dumps([as_row(request) for request in requests], default=str))

    def chunk_data(self, requests: Any, chunk_size: int = 1000) -> Iterator[Any]:
        """Requests in pieces: of a table tables, of any iterable lists."""
        return (Table(piece) if is_table(requests) else piece for piece in chunks(requests, chunk_size))

    def stream_process(self, requests: Any) -> Iterator[Table]:
        """The responses to more requests than memory holds, as a table for each chunk of ``chunk_size`` (a setting).

        ``requests`` is a table or an iterable, which is read as the stream goes on.
        """
        size = int(self._settings.get("chunk_size") or 1000)
        pieces = (crossing(piece) for piece in chunks(requests, size))
        return (Table(table) for table in self._native.stream(pieces))

    def set_error_handler(self, handler: ErrorHandler) -> None:
        """Call ``handler(error, request)`` for each failed request; a response that it returns replaces the failure."""

        def answer(code: str, message: str, request: str) -> str | None:
            asked = VideoClipRequest(**json.loads(request))
            response = handler(ClipflowError(message, code), asked)
            if response is None:
                return None
            values = response.to_dict()
            return json.dumps({**values, "request_id": values["request_id"] or asked.request_id})

        self._native.set_error_handler(answer)

    def set_cache_key(self, key: Callable[[VideoClipRequest], str]) -> None:
        """Key the cache by ``key(request)`` instead of location and validator.

        Requests of one source share its analysis, so that the request has nothing but its source, absolute.
        """
        self._native.set_cache_key(lambda work, location, validator: key(VideoClipRequest(location)))

    def set_logger(self, logger: Callable[..., Any]) -> None:
        """Call ``logger(level, message, **fields)`` with each log event of clipflow in this program.

        ``level`` is a :class:`LogLevel`: a number for ``logging`` and ``structlog``, whose text is its name.
        """

        def log(text: str) -> None:
            entry = json.loads(text)
            fields = {f"{name}_" if name in RESERVED else name: value for name, value in entry["fields"]}
            logger(LogLevel[entry["level"]], entry["message"], **{**fields, "target": entry["target"]})

        self._native.set_logger(log)

    def get_debug_logs(self) -> list[LogEntry]:
        """The last log events since the first batch with the setting ``debug``; without it none."""
        return [LogEntry(entry) for entry in json.loads(self._native.debug_logs())]

    def get_processing_stats(self) -> Record:
        """Counters of this processor."""
        return Record(json.loads(self._native.stats()))

    def get_performance_metrics(self) -> list[Metric]:
        """Every metric as it is now."""
        return [Metric(metric) for metric in json.loads(self._native.metrics())]

    def export_metrics_to_prometheus(self) -> str:
        """The metrics in the text format of Prometheus."""
        return self._native.prometheus()

    def export_metrics_to_datadog(self) -> int:
        """Send the metrics that have changed to the agent of the setting ``datadog_url``: how many datagrams."""
        return self._native.datadog()

    def export_traces(self) -> str:
        """The traces of the last batches as JSON that Perfetto and Chrome open; they need ``enable_tracing``."""
        return self._native.traces()


class VideoClipProcessor(Processor):
    """Processes batches of requests into clips in the dataset ``out``.

    Relative sources start from ``base``, or the current folder. Settings are a :class:`ParallelConfig`, or keywords.
    """

    def process_batch_parallel(
        self, requests: Any, backend: BackendType | str | None = None
    ) -> list[VideoClipResponse]:
        """Process ``requests`` and wait; one response a request, in order."""
        return self._process(requests, backend, None)

    async def process_batch_async(self, requests: Any) -> list[VideoClipResponse]:
        """As :meth:`process_batch_parallel`, in an async program; cancelling the task stops the batch."""
        return await _apart(lambda stop: self._process(requests, None, stop))

    def _process(self, requests: Any, backend: BackendType | str | None, stop: Stop | None) -> list[VideoClipResponse]:
        return responses_of(self._native.process(crossing(requests), _name(backend), stop))


class ViralVideoProcessor(Processor):
    """Processes batches of requests into clips and variants in the dataset ``out``."""

    def process_batch_parallel(
        self,
        requests: Any,
        n_variants: int = 5,
        audience_profile: Mapping[str, Any] | str | None = None,
        backend: BackendType | str | None = None,
    ) -> list[ViralVideoBatchResponse]:
        """Process ``requests`` and wait: clips, and ``n_variants`` variants of each for the audience."""
        return self._process(requests, n_variants, audience_profile, backend, None)

    async def process_batch_async(
        self,
        requests: Any,
        n_variants: int = 5,
        audience_profile: Mapping[str, Any] | str | None = None,
    ) -> list[ViralVideoBatchResponse]:
        """As :meth:`process_batch_parallel`, in an async program; cancelling the task stops the batch."""
        return await _apart(lambda stop: self._process(requests, n_variants, audience_profile, None, stop))

    def _process(
        self,
        requests: Any,
        n_variants: int,
        audience: Mapping[str, Any] | str | None,
        backend: BackendType | str | None,
        stop: Stop | None,
    ) -> list[ViralVideoBatchResponse]:
        rows, whom = crossing(requests), json_text(audience)
        return responses_of(self._native.process_viral(rows, n_variants, whom, _name(backend), stop))

    def batch_generate_variants(
        self, results: Iterable[ViralVideoBatchResponse], n_variants: int = 5
    ) -> list[list[ViralVideoVariant]]:
        """The variants of the clips in ``results``, from the tables, without rendering: a list for each response.

        The setting ``variants`` goes before ``n_variants``.
        """
        count = 0 if self._settings.get("variants") else n_variants
        lists = json.loads(self._native.generate_variants(json_of(results), count))
        return [[ViralVideoVariant(variant) for variant in variants] for variants in lists]


class VideoEncodingProcessor:
    """Encodes the clips and variants of the dataset ``out`` in another format, from the sources."""

    def __init__(
        self,
        config: ParallelConfig | None = None,
        *,
        out: Path = DEFAULT_OUT,
        base: Path | None = None,
        **values: Any,
    ) -> None:
        self.out = location(out)
        self._base = None if base is None else location(base)
        self._settings = settings({**(config.values() if config else {}), **values})

    def batch_encode_videos(
        self,
        results: Iterable[VideoClipResponse],
        format: str = "mp4",
        quality: str = "medium",
        parallel_workers: int = 0,
    ) -> list[EncodedVideo]:
        """Encode the clips and variants of ``results`` whose files were rendered, and wait."""
        files = _clipflow.encode(
            self.out, self._base, self._settings, json_of(results), (format, quality), parallel_workers
        )
        return [EncodedVideo(file) for file in json.loads(files)]


class ViralAnalyticsProcessor:
    """Metrics of the events at one place, by the variants in the dataset ``results``."""

    def __init__(
        self,
        events: Path = "events.csv",
        *,
        results: Path = DEFAULT_OUT,
        lag_hours: float = 0.0,
        **values: Any,
    ) -> None:
        self.events = location(events)
        self.results = location(results)
        self._reading = {"lag_hours": lag_hours}
        self._settings = settings(values)

    def batch_analyze_performance(
        self,
        results: Iterable[ViralVideoBatchResponse] | None = None,
        metrics: str | Iterable[str] = ("engagement_rate", "viral_coefficient", "audience_reach"),
        by: str | Iterable[str] = ("variant_id",),
    ) -> Table:
        """Metrics by columns of the events and variants; by ``variant_id``, of the variants of ``results`` alone."""
        groups = names(by)
        only = None
        if results is not None and "variant_id" in groups:
            only = [variant.variant_id for response in results for variant in response.variants]
        found = _clipflow.performance(
            self.events, self.results, names(metrics), groups, self._reading, self._settings, only
        )
        return Table(found)


def create_high_performance_processor(config: ParallelConfig | None = None, **values: Any) -> VideoClipProcessor:
    """A processor with settings; ``out`` and ``base`` name where it writes and where sources are."""
    return VideoClipProcessor(config, **values)


def create_high_performance_viral_processor(
    config: ParallelConfig | None = None, **values: Any
) -> ViralVideoProcessor:
    """A processor of variants with settings; see :func:`create_high_performance_processor`."""
    return ViralVideoProcessor(config, **values)


def _name(backend: BackendType | str | None) -> str | None:
    return backend.value if isinstance(backend, BackendType) else backend


async def _apart(work: Callable[[Stop], list[VideoClipResponse]]) -> list[VideoClipResponse]:
    """Work on a thread of its own; it is stopped with the task."""
    stop = Stop()
    try:
        return await asyncio.to_thread(work, stop)
    except asyncio.CancelledError:
        stop.cancel()
        raise
