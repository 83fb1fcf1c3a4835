"""What the processors take and give: settings, responses, metrics, log events."""

from __future__ import annotations

import dataclasses
import enum
import json
from collections.abc import Iterable, Mapping
from typing import Any

from ._functions import Path
from ._results import Record


class BackendType(str, enum.Enum):
    """A way to run a batch. All of them give the same rows."""

    AUTO = "auto"
    THREAD = "thread"
    PROCESS = "process"
    JOBLIB = "joblib"
    DASK = "dask"
    ASYNC = "async"


@dataclasses.dataclass
class ParallelConfig:
    """Settings of a batch; ``None`` is clipflow's default. :func:`clipflow.list_settings` describes them.

    ``use_uvloop`` and ``use_numba`` have no counterpart in a native program and do nothing.
    """

    max_workers: int | None = None
    chunk_size: int | None = None
    timeout: float | None = None
    backend: BackendType | str | None = None
    use_uvloop: bool | None = None
    use_numba: bool | None = None
    memory_limit_gb: float | None = None
    enable_caching: bool | None = None
    enable_tracing: bool | None = None
    debug: bool | None = None
    drain_seconds: float | None = None
    worker_program: Path | None = None
    scheduler: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    max_retries: int | None = None
    retry_delay_seconds: float | None = None
    exponential_backoff: bool | None = None
    circuit_breaker_enabled: bool | None = None
    failure_threshold: int | None = None
    recovery_timeout_seconds: float | None = None
    rate_limit_per_host: float | None = None
    max_fetches: int | None = None
    max_source_gb: float | None = None
    spool_dir: Path | None = None
    spool_limit_gb: float | None = None
    allow_private: bool | None = None
    sandbox: str | None = None
    cache_dir: Path | None = None
    cache_limit_gb: float | None = None
    cache_ttl_hours: float | None = None
    trace_sampling_rate: float | None = None
    trace_file: Path | None = None
    text_model_url: str | None = None
    text_model_name: str | None = None
    text_model_key_env: str | None = None
    transcribe_command: str | None = None
    transcribe_url: str | None = None
    transcribe_model: str | None = None
    transcribe_key_env: str | None = None
    face_model: Path | None = None
    audio_track: str | None = None
    hdr: str | None = None
    metrics_file: Path | None = None
    metrics_listen: str | None = None
    metrics_interval_seconds: float | None = None
    datadog_url: str | None = None
    otlp_url: str | None = None

    def values(self) -> dict[str, Any]:
        """What is set, by name."""
        named = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {name: value for name, value in named.items() if value is not None}


class ClipFile(Record):
    """A clip: ``location`` is its media file, ``start`` and ``end`` are seconds of the source."""

    clip_id: str
    start: float
    end: float
    score: float
    location: str | None
    frames: int | None


class ViralVideoVariant(Record):
    """A version of a clip for a platform, with its score and its file ``uri``."""

    variant_id: str
    clip_id: str
    request_id: str
    rank: int
    platform: str
    viral_score: float
    reason: str
    uri: str | None


@dataclasses.dataclass
class VideoClipResponse:
    """What became of one request: ``success`` with clips, or an error with its code."""

    request_id: str = ""
    success: bool = False
    error_code: str | None = None
    error: str | None = None
    clips: list[ClipFile] = dataclasses.field(default_factory=list)
    variants: list[ViralVideoVariant] = dataclasses.field(default_factory=list)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> VideoClipResponse:
        """From the values of a row."""
        clips = [ClipFile(clip) for clip in values["clips"]]
        variants = [ViralVideoVariant(variant) for variant in values["variants"]]
        return cls(**{**values, "clips": clips, "variants": variants})

    def to_dict(self) -> dict[str, Any]:
        """The values of a row."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        lists = {name: [item.to_dict() for item in values[name]] for name in ("clips", "variants")}
        return {**values, **lists}


ViralVideoBatchResponse = VideoClipResponse


def responses_of(text: str) -> list[VideoClipResponse]:
    return [VideoClipResponse.of(values) for values in json.loads(text)]


def json_of(responses: Iterable[VideoClipResponse]) -> str:
    return json.dumps([response.to_dict() for response in responses])


class LogLevel(enum.IntEnum):
    """How much a log event matters, as ``logging`` counts."""

    DEBUG = 10
    TRACE = 10
    INFO = 20
    WARN = 30
    ERROR = 40

    def __str__(self) -> str:
        return "warning" if self is LogLevel.WARN else self.name.lower()


#: Names of arguments of loggers, which fields of theirs must not take.
RESERVED = ("level", "message", "event", "msg")


class LogEntry(Record):
    """A log event, without secrets."""

    timestamp: float
    level: str
    target: str
    message: str
    fields: list[list[str]]


class Metric(Record):
    """A metric as it is now; ``value`` of a histogram is the sum of its observations."""

    name: str
    kind: str
    unit: str
    help: str
    labels: list[list[str]]
    value: float
    distribution: dict[str, Any] | None


class EncodedVideo(Record):
    """A clip or variant in the format that was asked for, or why it is not."""

    request_id: str
    clip_id: str
    variant_id: str | None
    uri: str | None
    container: str | None
    bytes: int | None
    error_code: str | None
    error_message: str | None
