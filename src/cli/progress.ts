/** Progress of a run on standard error: one line that moves on a terminal, nothing elsewhere. */
import type { ProgressEvent, StreamReport } from '../pipeline/index.ts';

/** How often the line is drawn anew. */
const drawEveryMs = 100;

/** Makes the listener for `run({ onProgress })`. */
export function terminalProgress(stream: NodeJS.WriteStream): (event: ProgressEvent) => void {
  if (!stream.isTTY) return () => undefined;
  let startedMs = performance.now();
  let drawnMs = 0;
  return (event) => {
    const nowMs = performance.now();
    if (event.type === 'stream_started') startedMs = nowMs;
    if (event.type === 'batch' && nowMs - drawnMs >= drawEveryMs) {
      drawnMs = nowMs;
      const rate = Math.round(event.rows / Math.max((nowMs - startedMs) / 1000, 0.001));
      stream.write(
        `\r\u001B[K${event.stream}  ${count(event.rows)} rows  ${count(rate)} rows/s  ${event.batches} pages`,
      );
    }
    if (event.type === 'stream_finished') stream.write(`\r\u001B[K${summary(event.report)}\n`);
  };
}

function summary(report: StreamReport): string {
  const mark = report.status === 'succeeded' ? 'ok' : report.status;
  return `${report.stream}  ${mark}  ${count(report.read)} rows read, ${count(report.inserted)} new`;
}

function count(n: number): string {
  return n.toLocaleString('en-US');
}
