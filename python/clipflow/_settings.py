"""Keyword arguments as the extension module takes them."""

from __future__ import annotations

import enum
import json
import os
from collections.abc import Mapping
from typing import Any

from . import _worker

Settings = dict[str, Any]

# A program has no garbage collector, event loop or compiler to choose: these are taken and do nothing.
WITHOUT_COUNTERPART = ("use_uvloop", "use_numba", "enable_garbage_collection", "enable_gc")


def location(value: Any) -> str:
    """A path or URL as text."""
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def settings(values: Mapping[str, Any]) -> Settings:
    """The settings that the extension module takes: names as they are, values in plain types."""
    named = {name: plain(name, value) for name, value in values.items() if name not in WITHOUT_COUNTERPART}
    return with_workers(named) if named.get("backend") == "process" else named


def with_workers(named: Settings) -> Settings:
    """The settings with the program that the process backend starts, which Python itself is not."""
    return named if named.get("worker_program") else {**named, "worker_program": _worker.program()}


def plain(name: str, value: Any) -> Any:
    """A value in a plain type."""
    if isinstance(value, enum.Enum):
        return value.value
    if name == "audience":
        return json_text(value)
    if name in ("platforms", "allow_roots") and value is not None:
        return [location(item) for item in ([value] if isinstance(value, (str, os.PathLike)) else value)]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def json_text(value: Any) -> str | None:
    """A mapping as JSON; text is JSON already."""
    return value if value is None or isinstance(value, str) else json.dumps(value)
