"""Writes the requests of the readers' test: columns of the user's own in many types, then a file without them."""

import datetime
import decimal
import pathlib
import sys

import pyarrow as pa
import pyarrow.parquet as pq

folder = pathlib.Path(sys.argv[1])
utc = datetime.timezone.utc
rows = {
    "request_id": ["one", "two", "gone"],
    "source_url": ["talk.mp4", "talk.mp4", "missing.mp4"],
    "min_clip_length": pa.array([3, 4, 3], pa.int32()),
    "max_clip_length": [6.5, 8.0, 6.0],
    "max_clips": pa.array([2, 1, 1], pa.int8()),
    "experiment_id": ["hooks", None, None],
    "posted_at": pa.array([datetime.datetime(2026, 5, 1, 12, 30, 0, 125000, utc), None, datetime.datetime(1969, 12, 31, tzinfo=utc)], pa.timestamp("us", "UTC")),
    "local_time": pa.array([datetime.datetime(2026, 5, 1, 12, 30), None, None], pa.timestamp("ms")),
    "day": pa.array([datetime.date(2026, 5, 1), None, datetime.date(1900, 1, 1)]),
    "budget": pa.array([decimal.Decimal("1234.50"), None, decimal.Decimal("-0.01")], pa.decimal128(10, 2)),
    "views": pa.array([2**53 + 1, None, -1], pa.int64()),
    "weight": pa.array([0.1, None, 3.5], pa.float32()),
    "approved": [True, None, False],
    "note": ["Ünïcode, \"quoted\"\nand broken", None, ""],
    "campaign": pa.array(["spring", "spring", None]).dictionary_encode(),
}
pq.write_table(pa.table(rows), folder / "first.parquet")
(folder / "second.csv").write_text("request_id,source_url,min_clip_length,max_clip_length,max_clips\nthree,talk.mp4,2,5,1\n")
