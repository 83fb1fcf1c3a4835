"""The scalar functions in Polars and DuckDB say what SQL says."""

from __future__ import annotations

import clipflow
import duckdb
import polars as pl
import pyarrow as pa
import pytest

TEXTS = [
    "Hello. A solar panel lasts thirty years.",
    "How long does a battery last, and why?",
    None,
    "",
    "One more thing about energy storage at home.",
]


@pytest.fixture
def talks() -> pl.DataFrame:
    """More rows than a batch of any of the engines has."""
    texts = [None if (text := TEXTS[n % 5]) is None else f"{text} It is number {n}." for n in range(9001)]
    return pl.DataFrame({"n": range(9001), "text": texts})


@pytest.fixture
def titles(talks: pl.DataFrame) -> list[str | None]:
    query = "SELECT clip_title(text, 'en', 40) AS title FROM talks ORDER BY n"
    answer: list[str | None] = clipflow.query(query, {"talks": talks}).to_polars()["title"].to_list()
    assert len(answer) == 9001 and any(answer) and None in answer
    return answer


def test_expressions_of_polars_say_what_sql_says(talks: pl.DataFrame, titles: list[str | None]) -> None:
    f = clipflow.polars_expressions()
    title = f.clip_title("text", pl.lit("en"), 40)
    assert talks.select(title)["clip_title"].to_list() == titles
    lazy = talks.lazy().with_columns(title=title).filter(pl.col("n") % 2 == 0).collect()
    assert lazy["title"].to_list() == titles[::2]
    streamed = talks.lazy().select("n", title).collect(engine="streaming").sort("n")
    assert streamed["clip_title"].to_list() == titles
    assert "clip_title" in dir(f)
    with pytest.raises(AttributeError, match="no scalar function nonsense"):
        f.nonsense("text")


def test_functions_of_duckdb_say_what_sql_says(talks: pl.DataFrame, titles: list[str | None]) -> None:
    connection = duckdb.connect()
    clipflow.register_duckdb(connection, {"clip_title": ["VARCHAR", "VARCHAR", "BIGINT"]})
    connection.register("talks", talks.to_arrow())
    rows = connection.sql("SELECT n, clip_title(text, 'en', 40) FROM talks ORDER BY n").fetchall()
    assert [title for _, title in rows] == titles


def test_columns_of_the_right_types_cross_and_wrong_ones_are_named(titles: list[str | None]) -> None:
    table = pa.table({"a": ["A solar panel lasts thirty years."] * 3, "b": ["en"] * 3, "c": [40] * 3})
    answer = clipflow.call_function("clip_title", table)
    assert answer.columns == ["clip_title"] and len(answer) == 3
    empty = clipflow.call_function("clip_title", table.slice(0, 0)).to_arrow()
    assert empty.num_rows == 0 and pa.types.is_string(empty.schema.field(0).type)
    with pytest.raises(clipflow.ClipflowError) as error:
        clipflow.call_function("clip_title", table.select(["a"]))
    assert error.value.code == "query.invalid"
    with pytest.raises(clipflow.ClipflowError, match="no scalar function nonsense"):
        clipflow.call_function("nonsense", table)
