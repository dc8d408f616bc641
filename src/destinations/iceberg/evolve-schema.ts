/** Brings the columns of a table to a definition: by field id where Iceberg allows it, else by writing the rows anew. */
import { PlumbingError } from '../../errors/index.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import { schemaOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { SchemaUpdate, canPromote, fieldByName } from '../../iceberg/schema.ts';
import type { Cell, NestedField } from '../../iceberg/types.ts';
import { sameType } from '../../iceberg/types.ts';
import type { LogicalType, TableDefinition, Value } from '../../model/index.ts';
import { cellConverter, mayNotFit } from '../../model/convert-cell.ts';
import { physicalColumns, physicalKey, sameNames } from '../../model/table-layout.ts';
import { codecOf } from './cell-codec.ts';
import { columnKey } from './row-keys.ts';
import { haveDistinctKeys } from './duckdb/distinct-keys.ts';
import type { DuckEngine } from './duckdb/engine.ts';
import type { EngineSource, WorkingTable } from './working-table.ts';

/** Converts one cell. */
export type ConvertCell = (cell: Cell) => Cell;

/** Whether cells of both types are alike, so that nothing has to be converted. */
export function isStoredAlike(from: LogicalType, to: LogicalType): boolean {
  if (from === to) return true;
  const [a, b] = [codecOf(from).icebergType, codecOf(to).icebergType];
  return from !== 'json' && to !== 'json' && canPromote(a, b);
}

/** The conversion of one column's cells. Throws `SCHEMA_DRIFT` for a value that would lose digits. */
export function converterOf(table: string, name: string, from: LogicalType, to: LogicalType): ConvertCell {
  const { decode = (cell: Exclude<Cell, null>): Value => cell as Value } = codecOf(from);
  return cellConverter<Exclude<Cell, null>>({ table, name, from, to }, decode, codecOf(to));
}

/** The changes of the schema that `target` needs; none when it fits already. */
export function schemaUpdates(
  metadata: TableMetadata,
  stored: TableDefinition,
  target: TableDefinition,
): MetadataUpdate[] {
  const schema = schemaOf(metadata);
  const update = new SchemaUpdate(schema, metadata['last-column-id']);
  const before = new Map(physicalColumns(stored).map(({ name, type }) => [name, type]));
  for (const { name, type } of physicalColumns(target)) {
    const wanted = codecOf(type).icebergType;
    const field = fieldByName(schema, name);
    const from = before.get(name);
    if (!field) update.add({ name, type: wanted });
    else if (from !== undefined && !isStoredAlike(from, type)) update.replace(name, { name, type: wanted });
    else if (!sameType(field.type, wanted)) update.widen(name, wanted);
  }
  const names = physicalColumns(target).map(({ name }) => name);
  update.order(names);
  update.setIdentifier(physicalKey(target));
  const next = update.schema();
  if (JSON.stringify(next) === JSON.stringify(withoutId(schema))) return [];
  return [
    {
      action: 'add-schema',
      schema: { ...next, 'schema-id': newSchemaId(metadata) },
      'last-column-id': update.lastColumnId,
    },
    { action: 'set-current-schema', 'schema-id': -1 },
  ];
}

/** Some catalogs give a new schema its id, others want it to be new. */
function newSchemaId({ schemas }: TableMetadata): number {
  return Math.max(...schemas.map((schema) => schema['schema-id'])) + 1;
}

function withoutId(schema: ReturnType<typeof schemaOf>): object {
  const identifier = schema['identifier-field-ids'] ?? [];
  return {
    type: 'struct',
    fields: schema.fields,
    ...(identifier.length > 0 && { 'identifier-field-ids': identifier }),
  };
}

/** Whether rows have to be written anew. */
export function needsRebuild(stored: TableDefinition, target: TableDefinition): boolean {
  return stored.columns.some(({ type }, i) => !isStoredAlike(type, target.columns[i]?.type ?? type));
}

/** Writes all rows of `from`, the table as it was, into `to`, which has the new schema. */
export async function rebuild(
  from: WorkingTable,
  to: WorkingTable,
  stored: TableDefinition,
  target: TableDefinition,
): Promise<void> {
  const sources = to.fields.map((field) => {
    const old =
      from.fields.find(({ id }) => id === field.id) ?? from.fields.find(({ name }) => name === field.name);
    return old === undefined ? -1 : from.fields.indexOf(old);
  });
  const converters = to.fields.map(({ name }): ConvertCell | undefined => {
    const index = stored.columns.findIndex((column) => column.name === name);
    const [a, b] = [stored.columns[index]?.type, target.columns[index]?.type];
    return a === undefined || b === undefined || isStoredAlike(a, b)
      ? undefined
      : converterOf(target.name, name, a, b);
  });
  for await (const { columns, selected } of from.find(from.fields)) {
    for (const place of selected) {
      const row = sources.map((source, i) => {
        const cell = columns[source]?.[place] ?? null;
        return converters[i]?.(cell) ?? cell;
      });
      const writing = to.insert(row);
      if (writing) await writing;
    }
  }
  await to.flush();
  to.leaveBase();
}

/**
 * Looks whether the columns that a table is partitioned by keep their type, or one that Iceberg lets them grow into. Another
 * one would be another column, which the partitions of the files do not know.
 *
 * @throws PlumbingError `SCHEMA_DRIFT`
 */
export function requirePartitions(
  metadata: TableMetadata,
  stored: TableDefinition,
  target: TableDefinition,
): void {
  const sources = metadata['partition-specs'].flatMap(({ fields }) =>
    fields.map((field) => field['source-id']),
  );
  const { fields } = schemaOf(metadata);
  for (const [i, { name, type }] of stored.columns.entries()) {
    const to = target.columns[i]?.type ?? type;
    if (isStoredAlike(type, to) || !fields.some((field) => field.name === name && sources.includes(field.id)))
      continue;
    throw new PlumbingError(
      'SCHEMA_DRIFT',
      `table "${target.name}": column "${name}" is what its files are partitioned by and can not go from ${type} to ${to}; load into a table of another name, or let such rows go to quarantine (drift: 'quarantine')`,
      { context: { table: target.name, column: name } },
    );
  }
}

/**
 * Looks, without changing anything, whether stored values fit the new types, and stored rows the new key; for many rows with
 * the help of an engine.
 *
 * @throws PlumbingError `SCHEMA_DRIFT`
 */
export async function requireEvolvable(
  table: WorkingTable,
  stored: TableDefinition,
  target: TableDefinition,
  engine: EngineSource,
): Promise<void> {
  for (const [i, { name, type }] of stored.columns.entries()) {
    const to = target.columns[i]?.type ?? type;
    if (isStoredAlike(type, to) || !mayNotFit(type, to)) continue;
    const convert = converterOf(target.name, name, type, to);
    const field = table.fields.find((candidate) => candidate.name === name) as NestedField;
    for await (const { columns, selected } of table.find([field])) {
      for (const place of selected) convert(columns[0]?.[place] ?? null);
    }
  }
  const key = physicalKey(target);
  if (key.length === 0 || sameNames(key, physicalKey(stored))) return;
  await requireKey(table, target, key, await engine());
}

async function requireKey(
  table: WorkingTable,
  target: TableDefinition,
  key: readonly string[],
  engine: DuckEngine | undefined,
): Promise<void> {
  const fields = key.map((name) => table.fields.find((field) => field.name === name));
  const known = fields.filter((field) => field !== undefined);
  if (engine && known.length === fields.length && (await haveDistinctKeys(engine, table, known))) return;
  const seen = new Set<unknown>();
  for await (const { columns, selected } of table.find(known)) {
    for (const place of selected) {
      const text = columnKey(columns, place);
      const lacks = known.length < fields.length || columns.some((cells) => (cells[place] ?? null) === null);
      if (!lacks && !seen.has(text)) {
        seen.add(text);
        continue;
      }
      throw new PlumbingError(
        'SCHEMA_DRIFT',
        `table "${target.name}": the stored rows can not have the key (${target.primaryKey.join(', ')}), some share it or lack it; load into a table of another name`,
        { context: { table: target.name } },
      );
    }
  }
}
