"""Independent readers of Iceberg tables: PyIceberg with PyArrow, and DuckDB's own Iceberg extension.

One JSON request a line on stdin, one JSON answer a line on stdout, so that imports are paid once. Cells come as texts that
say every digit, so that values are compared exactly.
"""

import datetime as dt
import decimal
import glob
import json
import math
import os
import sys
import uuid

import duckdb
import pyarrow as pa
from pyiceberg.catalog import load_catalog
from pyiceberg.conversions import to_bytes
from pyiceberg.transforms import parse_transform
from pyiceberg.types import IcebergType, NestedField
from pydantic import TypeAdapter

decimal.getcontext().prec = 100
EPOCH = dt.datetime(1970, 1, 1)


def timestamp_text(micros, zone):
    seconds, fraction = divmod(micros, 1_000_000)
    moment = EPOCH + dt.timedelta(seconds=seconds)
    return f"{moment:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + f".{fraction:06d}" + ("Z" if zone else "")


def float_text(value):
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return repr(value)


def cell_text(scalar, type_):
    """The text of one Arrow scalar."""
    if not scalar.is_valid:
        return None
    if isinstance(type_, pa.ExtensionType) or isinstance(scalar, pa.ExtensionScalar):
        return cell_text(scalar.value, type_.storage_type) if not is_uuid(type_) else str(uuid.UUID(bytes=scalar.value.as_py()))
    if pa.types.is_struct(type_):
        return json.dumps([cell_text(scalar[i], type_.field(i).type) for i in range(type_.num_fields)])
    if pa.types.is_map(type_):
        pairs = [[cell_text(p["key"], type_.key_type), cell_text(p["value"], type_.item_type)] for p in scalar.values]
        return json.dumps(pairs)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return json.dumps([cell_text(item, type_.value_type) for item in scalar.values])
    if pa.types.is_timestamp(type_):
        return timestamp_text(scalar.value, type_.tz is not None)
    if pa.types.is_date32(type_):
        return (dt.date(1970, 1, 1) + dt.timedelta(days=scalar.value)).isoformat()
    if pa.types.is_time64(type_):
        return timestamp_text(scalar.value, False)[11:]
    if pa.types.is_floating(type_):
        return float_text(scalar.as_py())
    if pa.types.is_decimal(type_):
        return f"{scalar.as_py():f}"
    if pa.types.is_boolean(type_):
        return "true" if scalar.as_py() else "false"
    value = scalar.as_py()
    return value.hex() if isinstance(value, bytes) else str(value)


def is_uuid(type_):
    return getattr(type_, "extension_name", "") == "arrow.uuid"


def rows_of(table):
    columns = []
    for name, column in zip(table.column_names, table.columns):
        type_ = table.schema.field(name).type
        columns.append([cell_text(scalar, type_) for scalar in column])
    return {"columns": table.column_names, "rows": [list(row) for row in zip(*columns)]}


def catalog_of(request):
    return load_catalog(request["catalog"]["name"], **{"type": "sql", **{k: v for k, v in request["catalog"].items() if k != "name"}})


def table_of(request):
    return catalog_of(request).load_table(request["table"])


def pyiceberg_rows(request):
    options = {}
    if "snapshotId" in request:
        options["snapshot_id"] = int(request["snapshotId"])
    if "filter" in request:
        options["row_filter"] = request["filter"]
    if "columns" in request:
        options["selected_fields"] = tuple(request["columns"])
    return rows_of(table_of(request).scan(**options).to_arrow())


def duckdb_connection(*extensions):
    connection = duckdb.connect()
    base = os.path.dirname(os.path.dirname(duckdb.__file__))
    for name in extensions:
        for path in glob.glob(f"{base}/duckdb_extension_{name}/**/{name}.duckdb_extension", recursive=True):
            connection.execute(f"LOAD '{path}'")
    connection.execute("SET TimeZone='UTC'")
    return connection


def duckdb_rows(request):
    connection = duckdb_connection("avro", "iceberg")
    metadata = request["metadata"].removeprefix("file://").replace("'", "''")
    result = connection.execute(f"SELECT * FROM iceberg_scan('{metadata}')").to_arrow_table()
    return rows_of(result)


def duckdb_rest_rows(request):
    connection = duckdb_connection("avro", "httpfs", "iceberg")
    connection.execute(
        "CREATE SECRET (TYPE s3, KEY_ID 'test', SECRET 'test', REGION 'us-east-1', URL_STYLE 'path', USE_SSL false, "
        f"ENDPOINT '{request['s3'].removeprefix('http://')}')"
    )
    connection.execute(
        f"ATTACH '{request['warehouse']}' AS lake (TYPE iceberg, ENDPOINT '{request['endpoint']}', "
        "AUTHORIZATION_TYPE 'none', ACCESS_DELEGATION_MODE 'none')"
    )
    return rows_of(connection.execute(f"SELECT * FROM lake.{request['table']}").to_arrow_table())


def arrow_rows(table, rows):
    """Rows of texts as an Arrow table with the table's own types."""
    schema = table.schema().as_arrow()
    columns = []
    for field in schema:
        texts = [row.get(field.name) for row in rows]
        columns.append(pa.array([None if t is None else parse(t, field.type) for t in texts], type=field.type))
    return pa.Table.from_arrays(columns, schema=schema)


def parse(text, type_):
    if is_uuid(type_):
        return uuid.UUID(text).bytes
    if pa.types.is_decimal(type_):
        return decimal.Decimal(text)
    if pa.types.is_timestamp(type_):
        moment = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return moment if type_.tz else moment.replace(tzinfo=None)
    if pa.types.is_date32(type_):
        return dt.date.fromisoformat(text)
    if pa.types.is_time64(type_):
        return dt.time.fromisoformat(text)
    if pa.types.is_boolean(type_):
        return text == "true"
    if pa.types.is_floating(type_):
        return float(text)
    if pa.types.is_integer(type_):
        return int(text)
    return bytes.fromhex(text) if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) else text


def pyiceberg_append(request):
    table = table_of(request)
    table.append(arrow_rows(table, request["rows"]))
    return {}


def pyiceberg_delete(request):
    table_of(request).delete(request["filter"])
    return {}


def pyiceberg_upsert(request):
    table = table_of(request)
    result = table.upsert(arrow_rows(table, request["rows"]), join_cols=request["keys"])
    return {"updated": result.rows_updated, "inserted": result.rows_inserted}


def pyiceberg_evolve(request):
    with table_of(request).update_schema() as update:
        for change, *arguments in request["changes"]:
            if change == "add":
                update.add_column(arguments[0], TypeAdapter(IcebergType).validate_python(arguments[1]))
            elif change == "rename":
                update.rename_column(*arguments)
            elif change == "drop":
                update.delete_column(arguments[0])
            else:
                update.update_column(arguments[0], TypeAdapter(IcebergType).validate_python(arguments[1]))
    return {}


def pyiceberg_plan(request):
    tasks = table_of(request).scan(row_filter=request["filter"]).plan_files()
    return {"files": [[task.file.file_path, [d.file_path for d in task.delete_files]] for task in tasks]}


def pyiceberg_metadata(request):
    return {"metadata": table_of(request).metadata.model_dump_json()}


def value_of(type_, text):
    """A value as PyIceberg has it inside: dates as days, times as microseconds."""
    if text is None:
        return None
    name = str(type_)
    if name == "boolean":
        return text == "true"
    if name in ("int", "long", "date", "time", "timestamp", "timestamptz"):
        return int(text)
    if name in ("float", "double"):
        return float(text)
    if name.startswith("decimal"):
        return decimal.Decimal(text)
    if name == "uuid":
        return uuid.UUID(text)
    return bytes.fromhex(text) if name == "binary" or name.startswith("fixed") else text


def oracle_bytes(request):
    answers = []
    for name, text in request["cases"]:
        type_ = TypeAdapter(IcebergType).validate_python(name)
        answers.append(to_bytes(type_, value_of(type_, text)).hex())
    return {"answers": answers}


def oracle_transform(request):
    answers = []
    for transform, name, text in request["cases"]:
        type_ = TypeAdapter(IcebergType).validate_python(name)
        result = parse_transform(transform).transform(type_)(value_of(type_, text))
        answers.append(None if result is None else result.hex() if isinstance(result, bytes) else str(result))
    return {"answers": answers}


OPERATIONS = {
    operation.__name__: operation
    for operation in (
        pyiceberg_rows,
        duckdb_rows,
        duckdb_rest_rows,
        pyiceberg_append,
        pyiceberg_delete,
        pyiceberg_upsert,
        pyiceberg_evolve,
        pyiceberg_plan,
        pyiceberg_metadata,
        oracle_bytes,
        oracle_transform,
    )
}

for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = OPERATIONS[request["op"]](request)
    except Exception as error:  # noqa: BLE001
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
