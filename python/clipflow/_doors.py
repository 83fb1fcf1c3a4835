"""The scalar functions of clipflow in other engines: as expressions of Polars and as functions of DuckDB.

Both call one crossing of the extension module, which takes columns as an Arrow stream and gives one back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

from . import _clipflow
from ._results import Table, needed

if TYPE_CHECKING:
    import duckdb
    import polars


def scalar_functions() -> list[str]:
    """Names of the functions of the columns of a row; ``docs/reference/functions.md`` describes them."""
    return _clipflow.scalar_functions()


def call_function(name: str, arguments: Any) -> Table:
    """The scalar function ``name`` on the columns of a frame, in their order: one column of that name.

    >>> clipflow.call_function("cap_hashtags", frame.select("hashtags", "most")).to_polars()
    """
    return Table(_clipflow.call_function(name, arguments))


class PolarsExpressions:
    """The scalar functions as methods that make expressions of Polars.

    >>> f = clipflow.polars_expressions()
    >>> frame.select(title=f.clip_title("transcript", pl.lit("en"), 40))

    A text names a column, as everywhere in Polars; other values that are no expressions are literals.
    """

    def __getattr__(self, name: str) -> Callable[..., polars.Expr]:
        if name not in _clipflow.scalar_functions():
            raise AttributeError(f"clipflow has no scalar function {name}; clipflow.scalar_functions() has the names")

        def expression(*arguments: Any) -> polars.Expr:
            return polars_expression(name, *arguments)

        expression.__name__ = name
        return expression

    def __dir__(self) -> list[str]:
        return _clipflow.scalar_functions()


def polars_expressions() -> PolarsExpressions:
    """The scalar functions as methods that make expressions of Polars."""
    needed("polars")
    return PolarsExpressions()


def polars_expression(name: str, *arguments: Any) -> polars.Expr:
    """The scalar function ``name`` as an expression of Polars."""
    pl = needed("polars")

    def column(number: int, argument: Any) -> polars.Expr:
        is_expression = isinstance(argument, pl.Expr)
        given = argument if is_expression else pl.col(argument) if isinstance(argument, str) else pl.lit(argument)
        named: polars.Expr = given.alias(f"c{number}")
        return named

    def call(columns: polars.Series) -> polars.Series:
        answer: polars.Series = pl.DataFrame(_clipflow.call_function(name, columns.struct.unnest())).to_series()
        return answer

    columns = pl.struct([column(number, argument) for number, argument in enumerate(arguments)])
    made: polars.Expr = columns.map_batches(call, is_elementwise=True).alias(name)
    return made


def _first_column(answer: Callable[[str, Sequence[Any]], Any], name: str, *columns: Any) -> Any:
    return answer(name, columns).column(0)


def _with_parameters(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The function with a signature of so many parameters, which DuckDB counts."""

    def call(*columns: Any) -> Any:
        return function(*columns)

    names = [Parameter(f"c{number}", Parameter.POSITIONAL_ONLY) for number in range(count)]
    call.__signature__ = Signature(names)  # type: ignore[attr-defined]
    return call


def register_duckdb(connection: duckdb.DuckDBPyConnection, functions: Mapping[str, Sequence[str]]) -> None:
    """Register scalar functions, each with the SQL types of its arguments, in a connection of DuckDB.

    >>> clipflow.register_duckdb(connection, {"clip_title": ["VARCHAR", "VARCHAR", "BIGINT"]})
    >>> connection.sql("SELECT clip_title(transcript, 'en', 40) FROM talks")
    """
    pyarrow = needed("pyarrow")

    def answer(name: str, columns: Sequence[Any]) -> Any:
        table = pyarrow.table({f"c{number}": column for number, column in enumerate(columns)})
        return pyarrow.table(_clipflow.call_function(name, table))

    for name, types in functions.items():
        nothing = ", ".join(f"CAST(NULL AS {sql}) AS c{number}" for number, sql in enumerate(types))
        empty = connection.sql(f"SELECT {nothing} LIMIT 0").to_arrow_table()
        returned = connection.from_arrow(answer(name, empty.columns)).types[0]

        parameters = [connection.type(sql) for sql in types]
        call = _with_parameters(partial(_first_column, answer, name), len(parameters))
        # The stubs know no columns of pyarrow.
        connection.create_function(  # type: ignore[call-overload]
            name, call, parameters, returned, type="arrow", null_handling="special"
        )
