"""Progress of a run: a callable, or a bar of tqdm."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Progress = Callable[[Event], None] | bool | None


def listener(progress: Progress) -> Callable[[str], None] | None:
    """What the extension module calls with each event as JSON.

    ``None`` shows a bar if tqdm is there and the program is a notebook or a terminal; ``True`` shows it wherever
    tqdm is there.
    """
    if progress is False:
        return None
    if callable(progress):
        call = progress
        return lambda event: call(json.loads(event))
    if progress is None and not is_watched():
        return noted
    try:
        return Bar()
    except ImportError:
        return noted


def is_watched() -> bool:
    """Whether someone sees a bar."""
    return "ipykernel" in sys.modules or sys.stderr.isatty()


def noted(event: str) -> None:
    """Warn of what the run warns of."""
    if event.startswith('{"event":"note"'):
        warnings.warn(json.loads(event)["sentence"], stacklevel=4)


class Bar:
    """A bar of tqdm for each stage, in seconds of video."""

    def __init__(self) -> None:
        from tqdm.auto import tqdm

        self._tqdm = tqdm
        self._bar: Any = None

    def __call__(self, text: str) -> None:
        event = json.loads(text)
        kind = event["event"]
        if kind == "stage_started":
            self._bar = self._tqdm(total=event["seconds"] or None, desc=event["stage"], unit="s", unit_scale=True)
        elif kind == "note":
            noted(text)
        elif self._bar is not None:
            self._advance(kind, event)

    def _advance(self, kind: str, event: Event) -> None:
        if kind == "expected":
            self._bar.total = (self._bar.total or 0) + event["seconds"]
            self._bar.refresh()
        elif kind == "progress":
            # What is known of lengths before the work begins may be short of them.
            if self._bar.total is not None:
                self._bar.total = max(self._bar.total, self._bar.n + event["seconds"])
            self._bar.update(event["seconds"])
        elif kind == "stage_finished":
            self._bar.close()
            self._bar = None
