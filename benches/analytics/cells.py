"""One cell of the matrix in DuckDB or Polars: ENGINE METRIC BY EVENTS VARIANTS ANSWER.

Each query gives what `clipflow performance` gives: the columns grouped by, the number of variants and the metric,
sorted, as a CSV file. Where a group is one variant its number is not counted.
"""

import sys

engine, metric, by, events, variants, answer = sys.argv[1:7]
keys = by.split(",")
counts_variants = "variant_id" not in keys
joins = "layout" in keys
EVENTS, REACTIONS = f"{events}/*.parquet", ["like", "comment", "share", "save"]


def in_duckdb():
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    source = f"read_parquet('{EVENTS}') e"
    if joins:
        source += f" LEFT JOIN read_parquet('{variants}') v USING (variant_id)"
    chosen = ", ".join("CAST(ts AS DATE) AS day" if key == "day" else key for key in keys)
    count = ", count(DISTINCT variant_id) AS variants" if counts_variants else ", 1 AS variants"

    def rate(above, below):
        return f"count(*) FILTER ({above}) / nullif(count(*) FILTER ({below}), 0)"

    values = {
        "engagement_rate": rate("event IN ('like', 'comment', 'share', 'save')", "event = 'view'"),
        "audience_reach": "count(DISTINCT viewer_id)",
        "completion_rate": rate("began AND ended", "began"),
    }
    if metric == "completion_rate":
        # A viewer begins and ends a variant once.
        own = list(dict.fromkeys([*keys, "variant_id", "viewer_id"]))
        own = ", ".join("CAST(ts AS DATE) AS day" if key == "day" else key for key in own)
        source = f"""(SELECT {own}, bool_or(event = 'view') AS began, bool_or(event = 'view_100') AS ended
            FROM {source} WHERE event IN ('view', 'view_100') GROUP BY ALL)"""
        chosen = by
    query = f"SELECT {chosen}{count}, {values[metric]} AS {metric} FROM {source} GROUP BY {by} ORDER BY {by}"
    connection.execute(f"COPY ({query}) TO '{answer}' (HEADER)")


def in_polars():
    import polars as pl

    c = pl.col
    rows = pl.scan_parquet(EVENTS)
    if joins:
        rows = rows.join(pl.scan_parquet(variants).select("variant_id", "layout"), on="variant_id", how="left")
    if "day" in keys:
        rows = rows.with_columns(c("ts").dt.date().alias("day"))
    if metric == "engagement_rate":
        value = c("event").is_in(REACTIONS).sum() / (c("event") == "view").sum()
    elif metric == "audience_reach":
        value = c("viewer_id").drop_nulls().n_unique()
    else:
        own = list(dict.fromkeys([*keys, "variant_id", "viewer_id"]))
        seen = rows.filter(c("event").is_in(["view", "view_100"])).group_by(own)
        rows = seen.agg((c("event") == "view").any().alias("began"), (c("event") == "view_100").any().alias("ended"))
        value = (c("began") & c("ended")).sum() / c("began").sum()
    count = c("variant_id").n_unique() if counts_variants else pl.lit(1)
    value = value.fill_nan(None) if metric != "audience_reach" else value
    cells = rows.group_by(keys).agg(count.alias("variants"), value.alias(metric)).sort(keys)
    cells.collect(engine="streaming").write_csv(answer)


in_duckdb() if engine == "duckdb" else in_polars()
