/** A table of this library in Iceberg: its definition, kept in the table's properties, and its columns. */
import { PlumbingError } from '../../errors/index.ts';
import { schemaOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import { fieldByName } from '../../iceberg/schema.ts';
import type { NewField } from '../../iceberg/schema.ts';
import type { Schema } from '../../iceberg/types.ts';
import type { Column, TableDefinition } from '../../model/index.ts';
import { checkLayout, physicalColumns, physicalKey } from '../../model/table-layout.ts';
import { codecOf, logicalTypeOf } from './cell-codec.ts';

/** The property that holds a table's definition: the logical types behind those of Iceberg. */
export const definitionProperty = 'plumbing.definition';

/** The stored definition; `undefined` for a table of another program. */
export function readDefinition(name: string, metadata: TableMetadata): TableDefinition | undefined {
  const text = metadata.properties[definitionProperty];
  if (text === undefined) return undefined;
  try {
    const { columns, primaryKey, write } = JSON.parse(text) as TableDefinition;
    if (Array.isArray(columns) && Array.isArray(primaryKey)) return { name, columns, primaryKey, write };
  } catch {
    // Reported below.
  }
  throw new PlumbingError(
    'DEST_CORRUPT',
    `${metadata.location}: property ${definitionProperty} of table "${name}" can not be read; put it back, or drop the table to load it anew`,
    { context: { table: name } },
  );
}

/** The columns of a new table. Only keys and bookkeeping columns are required: what else must have a value may change. */
export function fieldsOf(table: TableDefinition): NewField[] {
  const keys = new Set([...physicalKey(table), '_inserted_at_ts', '_inserted_at_day', '_plumbing_load_id']);
  return physicalColumns(table).map((column) => ({
    name: column.name,
    type: codecOf(column.type).icebergType,
    required: keys.has(column.name),
  }));
}

/**
 * Whether all of a table's own columns are there.
 *
 * @throws PlumbingError `DEST_FOREIGN` when someone took one away.
 */
export function requireOwnColumns(table: TableDefinition, schema: Schema): void {
  const lost = physicalColumns(table).find(({ name }) => !fieldByName(schema, name));
  if (!lost) return;
  throw new PlumbingError(
    'DEST_FOREIGN',
    `table "${table.name}" has lost its column "${lost.name}"; put it back, or drop the table to load it anew`,
    { context: { table: table.name } },
  );
}

/** What a reader sees of a table, whoever made it. */
export function readableColumns(name: string, metadata: TableMetadata): readonly Column[] {
  const definition = readDefinition(name, metadata);
  if (definition) return physicalColumns(definition);
  return schemaOf(metadata).fields.flatMap((field): Column[] =>
    typeof field.type === 'string'
      ? [{ name: field.name, type: logicalTypeOf(field.type), nullable: !field.required, path: [field.name] }]
      : [],
  );
}

const maxColumns = 10_000;

/**
 * Checks that Iceberg can hold the table.
 *
 * @throws PlumbingError `SCHEMA_INVALID`, or `LIMIT_EXCEEDED` for more than 10,000 columns.
 */
export function checkDefinition(table: TableDefinition, isOpen: boolean): void {
  checkLayout(table, limits, isOpen);
}

const limits = {
  maxColumns,
  maxColumnsText: `more than ${maxColumns} make every metadata file too large`,
  reserved: /^(_plumbing_|sqlite_)/i,
  checkName(name: string): void {
    if (name === '' || name.includes('\0') || !name.isWellFormed())
      throw new PlumbingError('SCHEMA_INVALID', 'a name must not be empty, nor hold NUL or half characters');
  },
};

/**
 * The definition of a table that this library has made.
 *
 * @throws PlumbingError `DEST_FOREIGN` for any other.
 */
export function ownDefinition(
  { path }: { readonly path: string },
  name: string,
  metadata: TableMetadata,
): TableDefinition {
  const stored = readDefinition(name, metadata);
  if (!stored) {
    throw new PlumbingError(
      'DEST_FOREIGN',
      `${path}: table "${name}" is there already and was not made by this library; rename one of the two`,
      { context: { table: name } },
    );
  }
  requireOwnColumns(stored, schemaOf(metadata));
  return stored;
}
