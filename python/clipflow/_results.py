"""Tables and results."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from . import _clipflow
from ._errors import ClipflowError
from ._settings import location, settings

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


class Table:
    """Rows that any Arrow library reads: ``polars.DataFrame(table)``, ``pyarrow.table(table)``, DuckDB, ….

    A table of results or of a query is lazy: it is read when it is asked for its rows, and again each time.
    """

    def __init__(self, native: _clipflow.Table) -> None:
        self._native = native

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self._native.columns

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._native.__arrow_c_stream__(requested_schema)

    def __arrow_c_schema__(self) -> object:
        return self._native.__arrow_c_schema__()

    def collect(self) -> Table:
        """The same rows in memory; Ctrl-C stops the query."""
        return Table(self._native.collect())

    def __len__(self) -> int:
        rows = self._native.num_rows
        return rows if rows is not None else self._native.collect().num_rows or 0

    def __bool__(self) -> bool:
        return True

    def to_arrow(self) -> pyarrow.Table:
        """The rows as a ``pyarrow.Table``."""
        rows: pyarrow.Table = needed("pyarrow").table(self.collect())
        return rows

    def to_polars(self) -> polars.DataFrame:
        """The rows as a ``polars.DataFrame``."""
        frame: polars.DataFrame = needed("polars").DataFrame(self.collect())
        return frame

    def to_pandas(self, **options: Any) -> pandas.DataFrame:
        """The rows as a ``pandas.DataFrame``; ``options`` are those of ``pyarrow.Table.to_pandas``."""
        needed("pandas")
        return self.to_arrow().to_pandas(**options)

    def to_dicts(self) -> list[dict[str, Any]]:
        """The rows as dicts, by way of pyarrow."""
        rows: list[dict[str, Any]] = self.to_arrow().to_pylist()
        return rows

    def explain(self) -> str | None:
        """The plan of a query; ``None`` for rows in memory."""
        return self._native.plan()

    def __repr__(self) -> str:
        rows = self._native.num_rows
        return f"<clipflow.Table {'lazy' if rows is None else f'{rows} rows'}: {', '.join(self.columns)}>"


def needed(name: str) -> Any:
    """A package that is not a dependency."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as cause:
        message = f"this needs the package {name}; install it, as in pip install 'clipflow[{name}]'"
        raise ClipflowError(message, "setup.missing_program") from cause


class Results:
    """The tables of a results dataset; see ``docs/reference/tables.md``.

    They are as the dataset stands when the first one is asked for. Each attribute is a :class:`Table`.
    """

    def __init__(
        self,
        out: str | os.PathLike[str],
        *,
        events: str | os.PathLike[str] | None = None,
        tables: Mapping[str, str | os.PathLike[str]] | None = None,
        summary: RunSummary | None = None,
        **values: Any,
    ) -> None:
        self.out = location(out)
        #: How the run went that wrote them; ``None`` for results that were opened.
        self.summary = summary
        self._events = None if events is None else location(events)
        self._tables = [(name, location(place)) for name, place in (tables or {}).items()]
        self._settings = settings(values)
        self._opened: _clipflow.Dataset | None = None

    def _dataset(self) -> _clipflow.Dataset:
        if self._opened is None:
            self._opened = _clipflow.Dataset(self.out, self._events, self._tables, self._settings)
        return self._opened

    def sql(self, statement: str) -> Table:
        """The rows of one SQL statement that reads; every function of ``docs/reference/functions.md`` is there."""
        return Table(self._dataset().sql(statement))

    def table(self, name: str) -> Table:
        """The table or view of that name."""
        quoted = name.replace('"', '""')
        return self.sql(f'SELECT * FROM "{quoted}"')

    @property
    def tables(self) -> list[str]:
        """The names of the tables and views."""
        return self._dataset().tables()

    @property
    def notes(self) -> list[str]:
        """What was left out or renamed of events and tables, as sentences."""
        return self._dataset().notes()

    @property
    def requests(self) -> Table:
        """The requests, with their defaults."""
        return self.table("requests")

    @property
    def outcomes(self) -> Table:
        """How each request ended."""
        return self.table("outcomes")

    @property
    def sources(self) -> Table:
        """The distinct videos."""
        return self.table("sources")

    @property
    def signals(self) -> Table:
        """What was measured of each quarter of a second."""
        return self.table("signals")

    @property
    def shots(self) -> Table:
        """Stretches between two transitions."""
        return self.table("shots")

    @property
    def cues(self) -> Table:
        """Caption lines."""
        return self.table("cues")

    @property
    def candidates(self) -> Table:
        """Every window that was considered, and why it won or lost."""
        return self.table("candidates")

    @property
    def clips(self) -> Table:
        """The chosen clips."""
        return self.table("clips")

    @property
    def variants(self) -> Table:
        """The versions of each clip."""
        return self.table("variants")

    @property
    def renditions(self) -> Table:
        """The media files, as measured after writing."""
        return self.table("renditions")

    @property
    def run_stats(self) -> Table:
        """Metrics of the runs."""
        return self.table("run_stats")

    @property
    def posts(self) -> Table:
        """The view of files with what to post with each."""
        return self.table("posts")

    def __repr__(self) -> str:
        return self.summary.text if self.summary else f"<clipflow.Results {self.out}>"


class Record:
    """Values by name, as attributes."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.__dict__.update(values)

    @classmethod
    def of_json(cls, text: str) -> Any:
        """From JSON of an object."""
        return cls(json.loads(text))

    def to_dict(self) -> dict[str, Any]:
        """The values."""
        return dict(self.__dict__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({values})"


class RunSummary(Record):
    """How a run went. ``text`` is what the command prints."""

    rows: int
    answered: int
    failed: int
    failures: list[dict[str, Any]]
    failed_clips: list[dict[str, Any]]
    failed_variants: list[dict[str, Any]]
    clips: int
    variants: int
    files: int
    clip_seconds: float
    bytes: int
    sources: int
    source_seconds: float
    elapsed: float
    reused: bool
    advice: list[str]
    is_complete: bool
    posts: str | None
    text: str

    def __repr__(self) -> str:
        return self.text


class Rendered(Record):
    """What was rendered; ``table`` has a row for each file that was asked for."""

    variants: int
    rendered: int
    files: int
    seconds: float
    bytes: int
    failures: list[dict[str, Any]]
    elapsed: float
    text: str
    table: Table | None

    def __repr__(self) -> str:
        return self.text


class Validation(Record):
    """Checked requests: ``table`` has every row with ``error_code`` and ``error_message``."""

    rows: int
    invalid: int
    table: Table

    @property
    def valid(self) -> int:
        """Rows that can be run."""
        return self.rows - self.invalid


class Experiment(Record):
    """A comparison of variants: ``verdicts`` by experiment, ``table`` with a row for each variant."""

    table: Table
    verdicts: dict[str, str]
    notes: list[str]


class Trained(Record):
    """A fitted model: ``model`` is the document that the setting ``model`` or ``weights`` reads."""

    model: dict[str, Any]
    quality: dict[str, Any]
    warnings: list[str]

    def save(self, file: str | os.PathLike[str]) -> None:
        """Write the model as JSON."""
        with open(file, "w", encoding="utf-8") as out:
            json.dump(self.model, out, indent=2)
            out.write("\n")
