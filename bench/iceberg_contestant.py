"""PyIceberg's part of bench/iceberg.ts: reads JSON lines with PyArrow, appends or upserts. A process an operation."""

import json
import resource
import sys
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog

operation, warehouse, file = sys.argv[1:4]
catalog = load_catalog("plumbing", type="sql", uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")

if operation == "sums":
    scan = catalog.load_table("default.orders").scan(selected_fields=("id", "quantity", "amount", "reference"))
    table = scan.to_arrow()
    print(json.dumps([
        table.num_rows,
        str(pc.sum(table["id"])),
        str(pc.sum(table["quantity"])),
        str(pc.sum(table["amount"])),
        str(pc.sum(pc.binary_length(table["reference"]))),
    ]))
    sys.exit()

started = time.perf_counter()
wanted = pa.schema([
    pa.field("id", pa.int64(), nullable=False), *[(n, pa.int64()) for n in ("customer", "store", "quantity", "status")],
    ("weight", pa.float64()), ("amount", pa.string()), ("paid", pa.bool_()), ("ordered_on", pa.string()), ("due_on", pa.string()),
    ("created_at", pa.string()), ("updated_at", pa.string()),
    *[(n, pa.string()) for n in ("country", "city", "currency", "product", "reference", "note")],
])
options = pyarrow.json.ParseOptions(explicit_schema=wanted)
table = pyarrow.json.read_json(file, parse_options=options, read_options=pyarrow.json.ReadOptions(block_size=8 << 20))
moments = pa.timestamp("us", tz="UTC")
for name, type_ in (("amount", pa.decimal128(18, 4)), ("ordered_on", pa.date32()), ("due_on", pa.date32()),
                    ("created_at", moments), ("updated_at", moments)):
    column = table[name]
    cast = pc.cast(pc.strptime(column, "%Y-%m-%d", "s"), type_) if type_ == pa.date32() else column.cast(type_)
    table = table.set_column(table.schema.get_field_index(name), pa.field(name, type_), cast)
if operation == "parquet":
    pq.write_table(table, f"{warehouse}.parquet", compression="zstd")
elif operation == "append":
    catalog.create_namespace_if_not_exists("default")
    catalog.create_table_if_not_exists("default.orders", schema=table.schema).append(table)
else:
    catalog.load_table("default.orders").upsert(table, join_cols=["id"])
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
