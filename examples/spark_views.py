r"""The invoices in the table of spark_accounts.py: for each stream a view with typed columns and one row an invoice.

Needs Spark 4.1 or later, and the catalog that the connector prints:

    source-invoices discover --config config.json > catalog.json
    spark-submit spark_views.py TABLE catalog.json \
        "SELECT account, sum(currency_amount) FROM payhubix_invoices GROUP BY account"

prints the rows of the query as JSON. Each view has the columns of the stream's schema, and `account` and `run` before
them. A value that does not fit its type fails the query: Spark would make it null otherwise, without a word.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.window import Window

FORMAT = "parquet"
AMOUNT = T.DecimalType(38, 9)


def create_views(spark: SparkSession, table: str, streams: list[dict[str, Any]]) -> None:
    """Makes the views of these streams, as the connector's catalog describes them."""
    spark.conf.set("spark.sql.ansi.enabled", "true")  # what cannot be cast is an error
    lines = spark.read.format(FORMAT).load(table).where("kind = 'record'")
    for stream in streams:
        keys = [f"row.{name}" for path in stream["source_defined_primary_key"] for name in path]
        # Numbers are read as text, and then cast: from_json itself reads the text "12,50" as 1250.
        text = column_type(stream["json_schema"], T.StringType())
        row = F.from_json("data", text, {"mode": "FAILFAST"}).cast(column_type(stream["json_schema"], AMOUNT))
        # An invoice comes again when it has changed, and sometimes without that. The last one counts.
        newest_first = Window.partitionBy("account", *keys).orderBy(F.desc("run"), F.desc("place"))
        rows = lines.where(F.col("stream") == stream["name"]).select("account", "run", "place", row.alias("row"))
        last = rows.withColumn("age", F.row_number().over(newest_first)).where("age = 1")
        last.select("account", "run", "row.*").createOrReplaceTempView(stream["name"])


def column_type(schema: Mapping[str, Any], number: T.DataType) -> T.DataType:
    """The type of a value. What may be of several types stays text. number: what numbers are."""
    types = {schema["type"]} if isinstance(schema["type"], str) else set(schema["type"]) - {"null"}
    if types == {"object"} and "properties" in schema:
        return T.StructType(
            [T.StructField(name, column_type(one, number)) for name, one in schema["properties"].items()]
        )
    if types == {"array"} and "items" in schema:
        return T.ArrayType(column_type(schema["items"], number))
    if types == {"string"} and schema.get("format") == "date-time":
        return T.TimestampType()
    simple: dict[str, T.DataType] = {
        "number": number,
        "integer": T.LongType(),
        "boolean": T.BooleanType(),
    }
    return simple.get(types.pop(), T.StringType()) if len(types) == 1 else T.StringType()


def catalog(path: Path) -> list[dict[str, Any]]:
    """The streams in what `source-invoices discover` prints."""
    messages = map(json.loads, path.read_text("utf-8").splitlines())
    return [stream for one in messages if one["type"] == "CATALOG" for stream in one["catalog"]["streams"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", help="where the table of spark_accounts.py is")
    parser.add_argument("catalog", type=Path, help="what `source-invoices discover` printed")
    parser.add_argument("query", help="what to ask the views, in SQL")
    options = parser.parse_args()
    try:
        streams = catalog(options.catalog)
    except (OSError, ValueError) as error:
        sys.exit(f"{options.catalog} is no catalog: {getattr(error, 'strerror', None) or error}.")
    spark = SparkSession.builder.appName("invoices").getOrCreate()
    create_views(spark, options.table, streams)
    for (line,) in spark.sql(options.query).select(F.to_json(F.struct("*"))).collect():
        print(line)
    spark.stop()


if __name__ == "__main__":
    main()
