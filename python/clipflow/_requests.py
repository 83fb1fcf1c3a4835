"""Requests in whatever form a program has them."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ._clipflow import chunk_data
from ._errors import ClipflowError
from ._settings import json_text, location


@dataclasses.dataclass
class VideoClipRequest:
    """A request to cut clips from one source.

    Only the source is needed, as ``source_url`` or ``youtube_url``; lengths and times are in seconds.
    """

    source_url: str | None = None
    youtube_url: str | None = None
    language: str | None = None
    min_clip_length: float | None = None
    max_clip_length: float | None = None
    max_clips: int | None = None
    request_id: str | None = None
    audience_profile: str | Mapping[str, Any] | None = None
    experiment_id: str | None = None
    topic: str | None = None
    start: float | str | None = None
    end: float | str | None = None
    within_start: float | str | None = None
    within_end: float | str | None = None
    audio_track: str | int | None = None
    hdr: str | None = None

    def __post_init__(self) -> None:
        self.source_url = self.youtube_url = self.source_url or self.youtube_url

    def row(self) -> dict[str, Any]:
        """The request as a row; what is not set is left out."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["youtube_url"]
        return row({name: value for name, value in values.items() if value is not None})


def row(values: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose paths are text and whose audience is JSON."""
    made = {str(name): os.fspath(v) if isinstance(v, os.PathLike) else v for name, v in values.items()}
    if made.get("audience_profile") is not None:
        made["audience_profile"] = json_text(made["audience_profile"])
    return made


def json_rows(requests: Iterable[Any]) -> bytes:
    """Requests or mappings as JSON objects, one a line."""
    try:
        rows = iter(requests)
    except TypeError:
        raise not_rows(requests) from None
    return b"\n".join(json.dumps(as_row(request), default=str).encode() for request in rows)


def as_row(request: Any) -> dict[str, Any]:
    """One request as a row."""
    if isinstance(request, VideoClipRequest):
        return request.row()
    if not isinstance(request, Mapping):
        raise not_rows(request)
    return row(request)


def not_rows(value: object) -> ClipflowError:
    """The error of a value that makes no request."""
    kind = type(value).__name__
    return ClipflowError(f"a request is of the type {kind}; give VideoClipRequest or a dict", "input.unreadable")


def crossing(requests: Any) -> Any:
    """Requests as the extension module takes them: a location, an exporter of an Arrow stream, or JSON rows."""
    if isinstance(requests, (str, os.PathLike)):
        return location(requests)
    if isinstance(requests, VideoClipRequest) or (isinstance(requests, Mapping) and "source_url" in requests):
        return json_rows([requests])
    if is_table(requests):
        return as_exporter(requests)
    if isinstance(requests, Mapping):
        raise ClipflowError("the requests are a dict without source_url; give a list of dicts", "input.unreadable")
    return json_rows(requests)


def is_table(requests: Any) -> bool:
    """Whether it is a frame or a table of any library."""
    return hasattr(requests, "__arrow_c_stream__") or hasattr(requests, "collect_schema") or is_old_pandas(requests)


def is_old_pandas(requests: Any) -> bool:
    """Whether it is a frame of a pandas that exports no Arrow streams."""
    return type(requests).__module__.startswith("pandas.") and hasattr(requests, "columns")


def as_exporter(requests: Any) -> Any:
    """A frame as something with ``__arrow_c_stream__``."""
    if hasattr(requests, "__arrow_c_stream__"):
        return requests
    if hasattr(requests, "collect_schema"):
        return requests.collect()
    import pyarrow

    return pyarrow.Table.from_pandas(requests, preserve_index=False)


def chunks(requests: Any, chunk_size: int) -> Iterator[Any]:
    """Pieces of a table (without a copy) or of any iterable, as lists."""
    if is_table(requests):
        yield from chunk_data(as_exporter(requests), chunk_size)
        return
    items = iter(requests)
    while piece := list(islice(items, max(chunk_size, 1))):
        yield piece
