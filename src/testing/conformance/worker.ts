/** Child process of the conformance suite: MODULE FOLDER TASK NUMBER. Reports by IPC. */
import { pathToFileURL } from 'node:url';
import { onFailpoint } from '../../failpoints/index.ts';
import { run } from '../../pipeline/index.ts';
import type { Destination } from '../../model/index.ts';
import { manyRows, workload } from './workload.ts';

/** What a child says at its end. */
export interface WorkerReport {
  readonly status: string;
  /** Failpoints that were passed, in order. */
  readonly failpoints: readonly string[];
  /** Largest resident memory of the process. */
  readonly peakBytes: number;
}

const [module = '', folder = '', task = '', argument = '0'] = process.argv.slice(2);
const url = module.startsWith('file:') ? module : pathToFileURL(module).href;
const target = (await import(url)) as { makeDestination(folder: string): Destination };
const destination = target.makeDestination(folder);
const failpoints: string[] = [];
let status = '';
if (task === 'many') {
  ({ status } = await run({ source: manyRows(Number(argument)), destination }));
} else {
  onFailpoint((name) => {
    failpoints.push(name);
    // No handler runs, nothing is flushed: the process is gone before the next statement.
    if (failpoints.length === Number(argument)) process.kill(process.pid, 'SIGKILL');
  });
  ({ status } = await run(workload(destination, 2)));
}
const report: WorkerReport = { status, failpoints, peakBytes: process.resourceUsage().maxRSS * 1024 };
process.send?.(report, () => process.disconnect());
