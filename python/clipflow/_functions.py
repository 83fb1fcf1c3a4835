"""Whole runs, and queries over what they made."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any

from . import _clipflow
from ._clipflow import Stop
from ._progress import Progress, listener
from ._requests import as_exporter, crossing
from ._results import Experiment, Record, Rendered, Results, RunSummary, Table, Trained, Validation
from ._settings import location, settings

Path = str | os.PathLike[str]


def run(
    requests: Any,
    out: Path,
    *,
    progress: Progress = None,
    posts: bool | str = False,
    stop: Stop | None = None,
    **values: Any,
) -> Results:
    """Turn requests into clips, variants and tables in the dataset ``out``.

    ``requests`` is a path or URL of a table, a list of dicts or :class:`VideoClipRequest`, or a table of any library
    (pyarrow, Polars, pandas, anything with ``__arrow_c_stream__``). Relative sources start from the folder of the
    request file, for rows from the current folder; ``base`` and ``allow_roots`` name other folders.

    ``progress`` is a callable that is given each event as a dict, ``True`` or ``False`` for a bar of tqdm; ``posts``
    also makes a folder of named files, by a template such as ``"{source}_{rank}"``. The other arguments are settings
    (:func:`list_settings` lists them), such as ``variants=3, platforms=["tiktok"], max_workers=4``.

    A request that fails is a row of ``outcomes`` with its code. Ctrl-C stops the run; the next one with the same
    requests takes up what was finished.

        >>> results = clipflow.run([{"source_url": "talk.mp4", "max_clips": 2}], "results")
        >>> results.clips.to_polars()
    """
    template = None if posts is False else "" if posts is True else posts
    told = listener(progress)
    summary = _clipflow.run(crossing(requests), location(out), settings(values), template, told, stop)
    return Results(out, summary=RunSummary.of_json(summary))


def open(  # noqa: A001
    out: Path,
    *,
    events: Path | None = None,
    tables: Mapping[str, Path] | None = None,
    **values: Any,
) -> Results:
    """The results in the dataset ``out``, with ``events`` and tables of your own to join with.

        >>> clipflow.open("results").sql("SELECT clip_id, score FROM clips").to_pandas()
    """
    results = Results(out, events=events, tables=tables, **values)
    results._dataset()
    return results


def sql(out: Path, statement: str, **values: Any) -> Table:
    """The rows of one SQL statement over the results in ``out``."""
    return open(out, **values).sql(statement)


def query(
    statement: str,
    tables: Mapping[str, Any] | None = None,
    *,
    base: Path = ".",
    **values: Any,
) -> Table:
    """The rows of one SQL statement over frames of your own, by name, with every function of clipflow.

        >>> clipflow.query("SELECT clip_title(text, 'en', 40) AS title FROM talks", {"talks": frame}).to_polars()
        >>> clipflow.query("SELECT * FROM shots('talk.mp4')")

    Frames are read without a copy; those of pandas, Polars, pyarrow and anything with ``__arrow_c_stream__`` are taken.
    """
    named = {name: as_exporter(table) for name, table in (tables or {}).items()}
    return Table(_clipflow.query(statement, named, location(base), settings(values)))


def validate(requests: Any, **values: Any) -> Validation:
    """Check requests without touching their sources."""
    rows, invalid, table = _clipflow.validate(crossing(requests), settings(values))
    return Validation({"rows": rows, "invalid": invalid, "table": Table(table)})


def render(
    out: Path,
    where: str = "true",
    *,
    progress: Progress = None,
    stop: Stop | None = None,
    **values: Any,
) -> Rendered:
    """Render the variants in ``out`` that meet the SQL condition ``where``, as in ``format="webm"``."""
    told = listener(progress)
    summary, tables = _clipflow.render(location(out), where, settings(values), told, stop)
    table = Table(tables[0]) if tables else None
    return Rendered({**json.loads(summary), "table": table})


def names(value: str | Iterable[str]) -> list[str]:
    """One name or several."""
    return [value] if isinstance(value, str) else list(value)


def performance(
    results: Path | None,
    events: Path,
    metrics: str | Iterable[str] = ("engagement_rate",),
    by: str | Iterable[str] = ("variant_id",),
    *,
    lag_hours: float = 0.0,
    time_unit: str | None = None,
    time_zone: str | None = None,
    as_of: str | None = None,
    **values: Any,
) -> Table:
    """Metrics of the events by columns of theirs and of the variants in ``results`` (``None``: of theirs alone)."""
    reading = {"lag_hours": lag_hours, "time_unit": time_unit, "time_zone": time_zone, "as_of": as_of}
    place = None if results is None else location(results)
    found = _clipflow.performance(location(events), place, names(metrics), names(by), reading, settings(values), None)
    return Table(found)


def experiment(
    results: Path | None,
    events: Path,
    metric: str,
    by: str | None = None,
    *,
    experiment: str | None = None,
    confidence: float | None = None,
    looks: int | None = None,
    min_trials: float | None = None,
    seed: int | None = None,
    lag_hours: float = 0.0,
    time_unit: str | None = None,
    time_zone: str | None = None,
    as_of: str | None = None,
    **values: Any,
) -> Experiment:
    """Which variant of each experiment does better by ``metric``, or which value of the column ``by``."""
    options = {
        "experiment": experiment,
        "confidence": confidence,
        "looks": looks,
        "min_trials": min_trials,
        "seed": seed,
        "lag_hours": lag_hours,
        "time_unit": time_unit,
        "time_zone": time_zone,
        "as_of": as_of,
    }
    place = None if results is None else location(results)
    table, verdicts, notes = _clipflow.experiment(location(events), place, metric, by, options, settings(values))
    return Experiment({"table": Table(table), "verdicts": dict(verdicts), "notes": notes})


def train(
    results: Path,
    events: Path,
    target: str = "",
    *,
    selection: bool = False,
    link: str | None = None,
    lag_hours: float = 0.0,
    time_unit: str | None = None,
    time_zone: str | None = None,
    as_of: str | None = None,
    **values: Any,
) -> Trained:
    """A score model that predicts ``target``, fitted to events; with ``selection``, weights of the selection."""
    options = {"lag_hours": lag_hours, "time_unit": time_unit, "time_zone": time_zone, "as_of": as_of}
    if link is not None:
        options["link"] = link
    model, quality, warnings = _clipflow.train(
        location(results), location(events), target, selection, options, settings(values)
    )
    return Trained({"model": json.loads(model), "quality": json.loads(quality), "warnings": warnings})


def run_comprehensive_benchmark(
    quick: bool = True,
    *,
    parts: Iterable[str] = (),
    sizes: Mapping[str, Any] | None = None,
    **values: Any,
) -> dict[str, list[Record]]:
    """Measure the backends on this machine: the measurements of each part, by its name.

    This takes minutes; ``parts`` chooses some of ``backends``, ``scalability``, ``memory``, ``errors`` and ``viral``,
    and ``sizes`` replaces numbers of rows (``kernel_rows``, …) and ``repeats``.
    """
    report = json.loads(_clipflow.benchmark(quick, list(parts), dict(sizes or {}), settings(values)))
    measured: dict[str, list[Record]] = {}
    for measurement in report["measurements"]:
        measured.setdefault(measurement["part"], []).append(Record(measurement))
    return measured


def list_settings() -> dict[str, str]:
    """Every setting that the functions take, with its description; see ``docs/reference/settings.md``."""
    return dict(_clipflow.setting_names() + _clipflow.run_setting_names())


def error_codes() -> dict[str, str]:
    """Every error code with its meaning."""
    return dict(_clipflow.error_codes())
