/** The run that the process cases kill, starve and repeat: three streams of five pages, each with another write mode. */
import { z } from 'zod';
import { defineSource, defineStream, int64 } from '../../model/index.ts';
import type { Destination, RowObject, Source, Stream } from '../../model/index.ts';
import type { Pipeline } from '../../pipeline/index.ts';

const pages = 5;
const pageRows = 8;

/** Names of the workload's tables. */
export type WorkloadTable = 'orders' | 'stock' | 'days';

/** Rows of one stream in the state that the vendor has at `version`. */
export function workloadRows(stream: WorkloadTable, version: number): RowObject[] {
  const rows: RowObject[] = [];
  for (let i = 0; i < pages * pageRows; i++) {
    if (stream === 'orders') {
      // A later version has more orders, and the last of the earlier ones corrected.
      const shift = (version - 1) * 10;
      rows.push({ id: i + shift, at: i + shift, note: `order ${i + shift} in version ${version}` });
    } else if (stream === 'stock') rows.push({ id: i, note: `stock in version ${version}` });
    else
      rows.push({
        id: i,
        day: Math.floor(i / pageRows),
        note: i % (version + 1) === 0 ? null : `${version}`,
      });
  }
  return rows;
}

const note = z.string().nullish();
const schemas = {
  orders: z.object({ id: int64(), at: int64(), note }),
  stock: z.object({ id: int64(), note }),
  days: z.object({ id: int64(), day: int64(), note }),
};

/** The workload as a pipeline; each page is a checkpoint. */
export function workload(destination: Destination, version: number): Pipeline {
  const read = (name: WorkloadTable): Stream['read'] =>
    async function* ({ from }) {
      const rows = workloadRows(name, version);
      for (let first = 0; first < rows.length; first += pageRows) {
        const page = rows.slice(first, first + pageRows);
        yield from === undefined ? page : page.filter(({ at }) => Number(at) >= Number(from));
      }
    };
  const streams = [
    defineStream({
      name: 'orders',
      schema: schemas.orders,
      primaryKey: ['id'],
      cursor: { column: 'at', lookback: 40, order: 'ascending' },
      read: read('orders'),
    }),
    defineStream({ name: 'stock', schema: schemas.stock, write: 'replace', read: read('stock') }),
    defineStream({
      name: 'days',
      schema: schemas.days,
      primaryKey: ['id'],
      write: { mode: 'merge', strategy: 'delete-insert', scope: ['day'] },
      read: read('days'),
    }),
  ];
  return {
    name: 'conformance',
    source: defineSource({ name: 'workload', streams }),
    destination,
    checkpoint: { rows: pageRows },
  };
}

/** A stream of `rows` rows of about 300 bytes, made on demand. */
export function manyRows(rows: number): Source {
  const text = 'x'.repeat(200);
  const stream = defineStream({
    name: 'many',
    schema: z.object({ id: int64(), at: int64(), text: z.string(), note }),
    primaryKey: ['id'],
    cursor: { column: 'at', order: 'ascending' },
    async *read() {
      for (let first = 0; first < rows; first += 500) {
        yield Array.from({ length: Math.min(500, rows - first) }, (_, i) => ({
          id: first + i,
          at: first + i,
          text: `${first + i} ${text}`,
          note: `row ${first + i}`,
        }));
      }
    },
  });
  return defineSource({ name: 'many', streams: [stream] });
}
