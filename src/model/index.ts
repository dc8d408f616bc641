/** The nouns of the package: values, tables, streams, sources, destinations, state, checks. No I/O. */
export { bookkeepingColumns, isStagedMode, scd2Columns, takesWholeSets } from './table.ts';
export type { Column, DriftPolicy, TableDefinition, WriteMode } from './table.ts';
export { decimalShape, stringifyJson } from './value.ts';
export type { JsonObject, JsonValue, LogicalType, Row, Value } from './value.ts';
export { binary, date, decimal, int64, json, time, timestamp, toTimestamp, uuid } from './types.ts';
export type { BookkeepingRow, ColumnOf, RowOf } from './row-type.ts';
export type { SelectedRow, StoredRow, TableOf, TypedQuery, VersionRow } from './stored-row.ts';
export { ColumnNames, columnName, pathKey } from './naming.ts';
export { dayIn } from './day.ts';
export { createLoadId } from './load-id.ts';
export { RowKeys } from './row-key.ts';
export { inferType, widenType } from './widen.ts';
export { MisfitError } from './row-encoder.ts';
export type { Misfit } from './row-encoder.ts';
export { compileSchema } from './compile.ts';
export type { CompiledSchema, UnknownField } from './compile.ts';
export { defineSource, defineStream, rowKeyColumn, tableOf } from './define.ts';
export type { StreamOptions, TypedStream } from './define.ts';
export type { ModeOf, WriteModeName } from './stream-type.ts';
export { PipelineState } from './state.ts';
export type { PartitionState, StateEntry } from './state.ts';
export type {
  Batch,
  CursorOptions,
  FileBatch,
  Partition,
  PlanContext,
  ReadContext,
  Source,
  Stream,
} from './source.ts';
export { linePattern } from './line-pattern.ts';
export type { LineField, LinePattern } from './line-pattern.ts';
export { customCheck, freshness, noNulls, rowCount, sqlCheck, unique } from './check.ts';
export type { Check, CheckEngine, CheckQuery, CheckResult, SqlCheckOptions } from './check.ts';
export type {
  AbortResult,
  Commit,
  Condition,
  Destination,
  DestinationStatus,
  Load,
  LoadInfo,
  LoadRecord,
  OpenOptions,
  QuarantinedRow,
  Reader,
  RowFile,
  RowFileField,
  RowObject,
  RowQuery,
  Session,
  StoredQuarantinedRow,
  TableCounts,
  UndoReport,
  UndoneTable,
} from './destination.ts';
