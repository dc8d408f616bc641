/** Conditions on columns: for rows, and for whole files by what is known of them. */
import { compareCells } from './compare-cells.ts';
import type { DataFile } from './data-file.ts';
import type { PartitionSpec } from './metadata.ts';
import { decodeSingleValue } from './single-value.ts';
import { transformOf } from './transforms.ts';
import type { Cell, NestedField } from './types.ts';

/** A condition on one column of plain values. A null meets none but `is null`. */
export interface CellCondition {
  readonly field: NestedField;
  readonly op: '=' | '!=' | '<' | '<=' | '>' | '>=' | 'is null' | 'is not null';
  /** For all but the two on null. */
  readonly value?: Exclude<Cell, null>;
}

/** The order that conditions go by: there both zeros are one, which bounds of files tell apart. */
function inSql(a: Exclude<Cell, null>, b: Exclude<Cell, null>): number {
  return a === b ? 0 : compareCells(a, b);
}

/** Whether a cell meets a condition. */
export function meets({ op, value }: CellCondition, cell: Cell): boolean {
  if (op === 'is null') return cell === null;
  if (cell === null) return false;
  if (op === 'is not null') return true;
  if (Number.isNaN(cell)) return op === '!=';
  return holdsFor(op, inSql(cell, value as Exclude<Cell, null>));
}

function holdsFor(op: CellCondition['op'], order: number): boolean {
  if (op === '=') return order === 0;
  if (op === '!=') return order !== 0;
  if (op === '<') return order < 0;
  if (op === '<=') return order <= 0;
  return op === '>' ? order > 0 : order >= 0;
}

/** Whether some row of a file may meet all conditions, as far as its bounds, counts and partition tell. */
export function mayMeet(file: DataFile, spec: PartitionSpec, conditions: readonly CellCondition[]): boolean {
  return conditions.every(
    (condition) => mayMeetByStatistics(file, condition) && mayMeetByPartition(file, spec, condition),
  );
}

function mayMeetByStatistics({ statistics }: DataFile, condition: CellCondition): boolean {
  const { id, type } = condition.field;
  const nulls = statistics.nullCounts.get(id);
  if (condition.op === 'is null') return nulls !== 0n;
  if (nulls !== undefined && nulls === statistics.valueCounts.get(id)) return false;
  if (typeof type !== 'string') return true;
  const bound = (bytes: Uint8Array | undefined): Exclude<Cell, null> | undefined =>
    bytes && decodeSingleValue(type, bytes);
  return overlaps(condition, bound(statistics.lowerBounds.get(id)), bound(statistics.upperBounds.get(id)));
}

/** Transforms that keep the order of values, and so their bounds. */
const ordered = /^(identity|year|month|day|hour|truncate\[\d+\])$/;

function mayMeetByPartition(file: DataFile, spec: PartitionSpec, condition: CellCondition): boolean {
  const { field, op, value } = condition;
  if (typeof field.type !== 'string') return true;
  for (const [index, part] of spec.fields.entries()) {
    if (part['source-id'] !== field.id || part.transform === 'void') continue;
    const cell = file.partition[index] ?? null;
    if (op === 'is null' || op === 'is not null') {
      // Every transform makes null of null, and of nothing else.
      if ((cell === null) !== (op === 'is null')) return false;
      continue;
    }
    if (cell === null) return false;
    const { apply } = transformOf(part.transform, field.type);
    const wanted = apply(value as Cell);
    if (wanted === null || Number.isNaN(cell)) continue;
    const order = inSql(cell, wanted);
    if (op === '=' && order !== 0) return false;
    if (!ordered.test(part.transform)) continue;
    if ((op === '<' || op === '<=') && order > 0) return false;
    if ((op === '>' || op === '>=') && order < 0) return false;
  }
  return true;
}

type Bound = Exclude<Cell, null> | undefined;

function overlaps({ op, value }: CellCondition, lower: Bound, upper: Bound): boolean {
  if (value === undefined || Number.isNaN(value)) return true;
  const compare = (bound: Exclude<Cell, null>): number => inSql(bound, value);
  const above = lower !== undefined && compare(lower) > 0;
  const below = upper !== undefined && compare(upper) < 0;
  switch (op) {
    case '=':
      return !above && !below;
    case '<':
      return lower === undefined || compare(lower) < 0;
    case '<=':
      return !above;
    case '>':
      return upper === undefined || compare(upper) > 0;
    case '>=':
      return !below;
    default:
      return true;
  }
}
