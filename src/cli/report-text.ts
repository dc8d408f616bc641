/** A run report for people. */
import type { RunReport } from '../pipeline/index.ts';
import { textTable } from './text-table.ts';

/** The report as text, ending without a line break. */
export function reportText(report: RunReport): string {
  const rows = report.streams.map((stream) => ({
    stream: stream.stream,
    status: stream.status,
    read: stream.read,
    new: stream.inserted,
    changed: stream.updated,
    unchanged: stream.unchanged,
    removed: stream.deleted,
    quarantined: stream.quarantined,
    pages: stream.batches,
  }));
  const lines = [
    `${report.pipeline} -> ${report.destination}: ${report.status.replace('_', ' ')} in ${seconds(report.durationMs)} (load ${report.loadId})`,
    textTable(rows),
  ];
  for (const { stream, schemaChanges, error, read, rejected, quarantined } of report.streams) {
    if (rejected > 0) {
      const where = quarantined > 0 ? '; see: plumbing quarantine list' : '';
      lines.push(`${stream}: ${rejected} of ${read} rows did not fit${where}`);
    }
    for (const change of schemaChanges) lines.push(`${stream}: ${change}`);
    if (error) lines.push(`${stream}: ${error.code}: ${error.message}`);
  }
  for (const check of report.checks) {
    lines.push(
      `check ${check.name} on ${check.table}: ${check.passed ? 'holds' : `FAILED, ${check.message ?? ''}`}`,
    );
  }
  if (report.staged.length > 0)
    lines.push(`nothing was published; the staged rows are in ${report.staged.join(', ')}`);
  return lines.join('\n');
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
