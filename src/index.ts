/** The front door: everything to define and run a pipeline. Connectors have entry points of their own. */
export { PlumbingError, HttpError, isPlumbingError } from './errors/index.ts';
export type { ErrorCode, ErrorContext, PlumbingErrorOptions } from './errors/index.ts';
export {
  binary,
  customCheck,
  date,
  decimal,
  defineSource,
  defineStream,
  freshness,
  int64,
  json,
  noNulls,
  rowCount,
  sqlCheck,
  time,
  timestamp,
  unique,
  uuid,
} from './model/index.ts';
export type {
  Batch,
  Check,
  CheckQuery,
  CheckResult,
  ColumnOf,
  Destination,
  DriftPolicy,
  JsonObject,
  JsonValue,
  LogicalType,
  Partition,
  ReadContext,
  RowOf,
  Source,
  Stream,
  StreamOptions,
  TableCounts,
  Value,
  WriteMode,
  WriteModeName,
} from './model/index.ts';
export { definePipeline, planRun, run } from './pipeline/index.ts';
export type {
  CheckpointOptions,
  Pipeline,
  ProgressEvent,
  ReportedError,
  RunOptions,
  RunReport,
  StreamReport,
  WorkItem,
} from './pipeline/index.ts';
