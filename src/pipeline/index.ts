/** The one path: plan, extract, validate, load, audit, publish, report. */
export { run, planRun } from './run.ts';
export { definePipeline } from './define.ts';
export type { CheckpointOptions, Pipeline, RunOptions, WorkItem } from './define.ts';
export type { ProgressEvent, ReportedError, RunReport, StreamReport } from './report.ts';
export { replayQuarantine } from './replay.ts';
export type { ReplayReport } from './stream-replay.ts';
export { undoLoad } from './undo.ts';
export type { UndoOptions } from './undo.ts';
