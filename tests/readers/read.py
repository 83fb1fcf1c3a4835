"""Every table of a dataset, read by DuckDB, pandas, Polars and pyarrow: the same rows, values and types as `clipflow sql` says.

    python read.py CLIPFLOW RESULTS
"""

import collections
import datetime
import decimal
import json
import math
import pathlib
import subprocess
import sys

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet

CLIPFLOW, RESULTS = sys.argv[1], pathlib.Path(sys.argv[2])
KEYS = {
    "requests": ["request_id"],
    "outcomes": ["request_id"],
    "sources": ["source_id"],
    "signals": ["source_id", "t"],
    "shots": ["source_id", "shot_id"],
    "cues": ["source_id", "cue_id"],
    "candidates": ["request_id", "candidate_id"],
    "clips": ["clip_id"],
    "variants": ["variant_id"],
    "renditions": ["rendition_id"],
}
#: Our type, and what each reader calls it. `DESCRIBE` names types as Arrow does.
TYPES = {
    "Utf8": ("VARCHAR", "String", "string", "str"),
    "Int64": ("BIGINT", "Int64", "int64", "Int64"),
    "Int32": ("INTEGER", "Int32", "int32", "Int32"),
    "Int8": ("TINYINT", "Int8", "int8", "Int8"),
    "Float64": ("DOUBLE", "Float64", "double", "Float64"),
    "Float32": ("FLOAT", "Float32", "float", "Float32"),
    "Boolean": ("BOOLEAN", "Boolean", "bool", "boolean"),
    "Date32": ("DATE", "Date", "date32[day]", "date32[day][pyarrow]"),
    "Decimal128(10, 2)": ("DECIMAL(10,2)", "Decimal(precision=10, scale=2)", "decimal128(10, 2)", "decimal128(10, 2)[pyarrow]"),
    'Timestamp(µs, "UTC")': ("TIMESTAMP WITH TIME ZONE", "Datetime(time_unit='us', time_zone='UTC')", "timestamp[us, tz=UTC]", "timestamp[us, tz=UTC][pyarrow]"),
    # DuckDB holds milliseconds as microseconds.
    "Timestamp(ms)": ("TIMESTAMP", "Datetime(time_unit='ms', time_zone=None)", "timestamp[ms]", "timestamp[ms][pyarrow]"),
}


def sql(query: str) -> list[dict]:
    answer = subprocess.run([CLIPFLOW, "sql", str(RESULTS), query, "--format", "json"], check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in answer.stdout.splitlines() if line.strip()]


def plain(value):
    """A value as the readers' Python types and our JSON agree on it."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if hasattr(value, "tolist") and not isinstance(value, (str, bytes)):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    return value


def told(value, of: str):
    """A value of our JSON, which has text for times and decimals."""
    if value is None:
        return None
    if of.startswith("Timestamp"):
        return plain(datetime.datetime.fromisoformat(value))
    if of.startswith("Decimal"):
        return float(value)
    return plain(value)


def same(left, right) -> bool:
    if isinstance(left, float) and isinstance(right, (int, float)):
        return math.isclose(left, right, rel_tol=1e-7 if left == left else 0)
    if isinstance(left, dict) and isinstance(right, dict):
        # Our JSON leaves out what is NULL.
        return all(same(left.get(k), right.get(k)) for k in left.keys() | right.keys())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def files(table: str) -> str:
    return str(RESULTS / table / "*.parquet")


def by_duckdb(table: str):
    found = duckdb.sql(f"SELECT * FROM read_parquet('{files(table)}', union_by_name = true)")
    types = dict(zip(found.columns, map(str, found.types)))
    return types, [dict(zip(found.columns, row)) for row in found.fetchall()]


def by_polars(table: str):
    found = pl.concat([pl.read_parquet(f) for f in sorted((RESULTS / table).glob("*.parquet"))], how="diagonal_relaxed")
    return {name: str(of) for name, of in found.schema.items()}, found.to_dicts()


def arrow(table: str) -> pa.Table:
    parts = [pa.parquet.read_table(f) for f in sorted((RESULTS / table).glob("*.parquet"))]
    return pa.concat_tables(parts, promote_options="default")


def by_pyarrow(table: str):
    found = arrow(table)
    return {field.name: str(field.type) for field in found.schema}, found.to_pylist()


def by_pandas(table: str):
    parts = [pd.read_parquet(f, dtype_backend="numpy_nullable") for f in sorted((RESULTS / table).glob("*.parquet"))]
    # An empty part has a say in no type.
    parts = [part for part in parts if len(part)] or parts[:1]
    found = pd.concat(parts, ignore_index=True)
    return {name: str(of) for name, of in found.dtypes.items()}, found.to_dict("records")


READERS = {"DuckDB": by_duckdb, "Polars": by_polars, "pyarrow": by_pyarrow, "pandas": by_pandas}


def check(table: str, key: list[str], faults: list[str]) -> int:
    described = {row["column_name"]: row["data_type"] for row in sql(f"DESCRIBE {table}")}
    rows = {tuple(row[k] for k in key): row for row in sql(f"SELECT * FROM {table}")}
    for place, (reader, read) in enumerate(READERS.items()):
        types, found = read(table)
        if set(types) != set(described):
            faults.append(f"{reader} {table}: has columns {sorted(set(types) ^ set(described))} that one side lacks")
            continue
        for column, of in described.items():
            wanted = TYPES.get(of, ())
            # pandas keeps lists, structs, decimals and dates as objects, and widens what is missing in a part.
            is_checked = wanted and (reader != "pandas" or of in ("Int64", "Float64", "Boolean"))
            if is_checked and types[column] != wanted[place]:
                faults.append(f"{reader} {table}.{column}: is {types[column]}, not {wanted[place]}")
            if not wanted and not of.startswith(("List(", "Struct(")):
                faults.append(f"{table}.{column}: no reader is known for {of}")
        if len(found) != len(rows):
            faults.append(f"{reader} {table}: {len(found)} rows, not {len(rows)}")
        for row in found:
            expected = rows.get(tuple(plain(row[k]) for k in key))
            if expected is None:
                faults.append(f"{reader} {table}: no row has the key {[row[k] for k in key]}")
                break
            for column, of in described.items():
                is_value, was_value = plain(row[column]), told(expected.get(column), of)
                if not same(is_value, was_value):
                    faults.append(f"{reader} {table}.{column}: {is_value!r}, not {was_value!r}")
    return len(rows)


faults: list[str] = []
counts = {table: check(table, key, faults) for table, key in KEYS.items()}
empty = [table for table, rows in counts.items() if not rows]
if empty:
    faults.append(f"nothing was compared in {', '.join(empty)}")
for fault, times in collections.Counter(faults).items():
    print(fault, f"({times} times)" if times > 1 else "")
versions = {"DuckDB": duckdb, "Polars": pl, "pyarrow": pa, "pandas": pd}
print(", ".join(f"{name} {module.__version__}" for name, module in versions.items()))
print("rows compared:", ", ".join(f"{table} {rows}" for table, rows in counts.items()))
sys.exit(1 if faults else 0)
