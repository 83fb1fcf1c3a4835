"""The bench's queries in DuckDB and Polars: ENGINE QUERY EVENTS VARIANTS.

Prints a line of JSON: seconds, peak memory in bytes, rows, and sums over the answer. Each engine's query is
the fastest of the forms that were tried: for DuckDB and Polars the distinct viewers by grouping twice, which
beats count(DISTINCT …) FILTER (…) and n_unique.
"""

import json
import resource
import sys
import time

engine, query, events, variants = sys.argv[1:5]
KINDS = ["impression", "view", "view_2s", "view_3s", "view_6s", "view_15s", "view_25", "view_50", "view_75", "view_100",
         "like", "comment", "share", "save", "click", "follow", "referral_view"]
MARKS = {"first_views": "view", "first_completions": "view_100", "new_viewers": "referral_view"}
COUNTS = [k for k in KINDS] + ["watch_seconds"]


def duckdb_rollup(form):
    counts = ", ".join(f"count(*) FILTER (event = '{k}') AS \"{k}\"" for k in KINDS)
    counts += ", sum(value) FILTER (event = 'watch_seconds') AS watch_seconds"
    keys = "variant_id, platform"
    if form == "distinct":
        marks = "".join(f", count(DISTINCT viewer_id) FILTER (event = '{e}') AS {m}" for m, e in MARKS.items())
        inner = f"SELECT {keys}, {counts}, count(DISTINCT viewer_id) AS audience_reach{marks} FROM events GROUP BY {keys}"
    else:
        sums = ", ".join(f"sum(\"{c}\") AS \"{c}\"" for c in COUNTS)
        marks = "".join(f", count(*) FILTER (viewer_id IS NOT NULL AND \"{e}\" > 0) AS {m}" for m, e in MARKS.items())
        inner = f"""SELECT {keys}, {sums}, count(viewer_id) AS audience_reach{marks}
            FROM (SELECT {keys}, viewer_id, {counts} FROM events GROUP BY {keys}, viewer_id) GROUP BY {keys}"""
    rates = """("like" + comment + share + save) / nullif("view", 0) AS engagement_rate, share / nullif("view", 0) AS share_rate,
        view_3s / nullif(impression, 0) AS hook_rate, view_15s / nullif(view_3s, 0) AS hold_rate,
        first_completions / nullif(first_views, 0) AS completion_rate, impression / nullif(audience_reach, 0) AS frequency,
        (share / nullif(audience_reach, 0)) * (new_viewers / nullif(share, 0)) AS viral_coefficient"""
    return f"SELECT *, {rates} FROM ({inner})"


def duckdb_join(form):
    counts = ", ".join(f"count(*) FILTER (event = '{k}') AS \"{k}\"" for k in KINDS)
    counts += ", sum(value) FILTER (event = 'watch_seconds') AS watch_seconds"
    keys = "platform, layout, caption_style"
    if form == "pushed":
        sums = ", ".join(f"sum(\"{c}\") AS \"{c}\"" for c in COUNTS)
        inner = f"""SELECT {keys}, {sums} FROM (SELECT variant_id, platform, {counts} FROM events GROUP BY ALL)
            JOIN variants USING (variant_id) GROUP BY {keys}"""
    else:
        inner = f"SELECT {keys}, {counts} FROM events JOIN variants USING (variant_id) GROUP BY {keys}"
    return f"""SELECT *, ("like" + comment + share + save) / nullif("view", 0) AS engagement_rate,
        view_3s / nullif(impression, 0) AS hook_rate, share / nullif("view", 0) AS share_rate FROM ({inner})"""


def in_duckdb(form):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    started = time.perf_counter()
    connection.execute(f"CREATE VIEW events AS SELECT * FROM read_parquet('{events}/*.parquet')")
    connection.execute(f"CREATE VIEW variants AS SELECT * FROM read_parquet('{variants}')")
    sql = (duckdb_rollup if query == "rollup" else duckdb_join)(form)
    answer = connection.execute(sql).to_arrow_table()
    seconds = time.perf_counter() - started
    return seconds, answer.num_rows, {c: answer[c] for c in answer.column_names}


def in_polars(form):
    import polars as pl

    started = time.perf_counter()
    scan = pl.scan_parquet(f"{events}/*.parquet")
    counts = [(pl.col("event") == k).sum().cast(pl.Int64).alias(k) for k in KINDS]
    counts.append(pl.col("value").filter(pl.col("event") == "watch_seconds").sum().alias("watch_seconds"))

    def rate(a, b, name):
        return pl.when(pl.col(b) > 0).then(a / pl.col(b)).alias(name)

    c = pl.col
    rates = [rate(c("like") + c("comment") + c("share") + c("save"), "view", "engagement_rate"),
             rate(c("share"), "view", "share_rate"), rate(c("view_3s"), "impression", "hook_rate")]
    if query == "rollup":
        keys = ["variant_id", "platform"]
        if form == "distinct":
            viewers = [c("viewer_id").drop_nulls().n_unique().alias("audience_reach")]
            viewers += [c("viewer_id").filter(c("event") == e).drop_nulls().n_unique().alias(m) for m, e in MARKS.items()]
            grouped = scan.group_by(keys).agg(counts + viewers)
        else:
            known = c("viewer_id").is_not_null()
            viewers = [known.sum().alias("audience_reach")]
            viewers += [(known & (c(e) > 0)).sum().alias(m) for m, e in MARKS.items()]
            grouped = scan.group_by([*keys, "viewer_id"]).agg(counts).group_by(keys).agg([c(COUNTS).sum(), *viewers])
        rates += [rate(c("view_15s"), "view_3s", "hold_rate"), rate(c("first_completions"), "first_views", "completion_rate"),
                  rate(c("impression"), "audience_reach", "frequency"),
                  (pl.when((c("audience_reach") > 0) & (c("share") > 0))
                   .then((c("share") / c("audience_reach")) * (c("new_viewers") / c("share"))).alias("viral_coefficient"))]
    else:
        keys = ["platform", "layout", "caption_style"]
        other = pl.scan_parquet(variants).select("variant_id", "layout", "caption_style")
        if form == "pushed":
            small = scan.group_by(["variant_id", "platform"]).agg(counts)
            grouped = small.join(other, on="variant_id").group_by(keys).agg(c(COUNTS).sum())
        else:
            grouped = scan.join(other, on="variant_id").group_by(keys).agg(counts)
    answer = grouped.with_columns(rates).collect(engine="streaming")
    return time.perf_counter() - started, answer.height, {n: answer[n].to_arrow() for n in answer.columns}


name, _, form = engine.partition("-")
seconds, rows, columns = (in_duckdb if name == "duckdb" else in_polars)(form or "twice")
import pyarrow.compute as pc

NAMES = dict(zip(KINDS, ["impressions", "views", "views_2s", "views_3s", "views_6s", "views_15s", "views_25", "views_50",
                         "views_75", "views_100", "likes", "comments", "shares", "saves", "clicks", "follows",
                         "referral_views"]))
sums = {NAMES.get(n, n): float(pc.sum(pc.cast(a, "float64")).as_py() or 0) for n, a in columns.items()
        if n not in ("variant_id", "platform", "layout", "caption_style")}
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"seconds": seconds, "memory": memory, "rows": rows, "sums": sums}))
