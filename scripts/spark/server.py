"""Spark with Iceberg's runtime, over the catalog of a warehouse: one JSON request a line, one JSON answer a line."""

import json
import sys

from pyspark.sql import SparkSession

jars, catalog, warehouse = sys.argv[1:4]
spark = (
    SparkSession.builder.master("local[2]")
    .appName("plumbing")
    .config("spark.jars", jars)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "2g")
    .config("spark.sql.shuffle.partitions", "2")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.plumbing", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.plumbing.type", "jdbc")
    .config("spark.sql.catalog.plumbing.uri", f"jdbc:sqlite:{catalog}")
    .config("spark.sql.catalog.plumbing.jdbc.schema-version", "V1")
    .config("spark.sql.catalog.plumbing.warehouse", warehouse)
    .config("spark.sql.catalog.plumbing.cache-enabled", "false")
    # Else a statement stays open, and its connection sees the catalog as it was then.
    .config("spark.sql.catalog.plumbing.jdbc.init-catalog-tables", "false")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")

for line in sys.stdin:
    try:
        frame = spark.sql(json.loads(line)["sql"])
        # Spark's own texts: exact for all types that are compared.
        rows = [[None if cell is None else str(cell) for cell in row] for row in frame.collect()]
        answer = {"columns": frame.columns, "rows": rows}
    except Exception as error:  # noqa: BLE001
        answer = {"error": f"{type(error).__name__}: {str(error)[:2000]}"}
    sys.stdout.write("ANSWER " + json.dumps(answer) + "\n")
    sys.stdout.flush()
