/** Runs checks on tables as a branch shows them, in an SQLite database that is thrown away. */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { DuckChecks } from '../../duckdb/check-database.ts';
import { mainBranch, snapshotOf } from '../../iceberg/metadata.ts';
import { decimalShape, stringifyJson } from '../../model/index.ts';
import type { Check, CheckResult, Column, TableDefinition, Value } from '../../model/index.ts';
import { readOnlyQuery, runEach, tablesOf } from '../../model/run-check.ts';
import { physicalColumns } from '../../model/table-layout.ts';
import { duckChecks } from './duckdb/audit-tables.ts';
import type { AuditedTable } from './duckdb/audit-tables.ts';
import type { Lakehouse } from './lakehouse.ts';
import { IcebergReader } from './reader.ts';
import { readableColumns } from './table-shape.ts';

/** Decimal digits that SQLite's numbers keep, whatever they are. */
const exactDigits = 15;

/**
 * Runs every check, one after the other, in the SQL of SQLite, as the SQLite destination does, or of DuckDB. A check that can't run
 * has failed. `definitions` are those of the tables whose rows are on the branch.
 */
export async function runChecks(
  house: Lakehouse,
  branch: string,
  definitions: ReadonlyMap<string, TableDefinition>,
  checks: readonly Check[],
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const { DatabaseSync: Driver } = await import('node:sqlite');
  const find = (table: string): Promise<AuditedTable | undefined> =>
    auditedTable(house, branch, table, definitions.get(table));
  // A nameless database: SQLite keeps it in memory while it is small, else in a file that nobody can name.
  const db = new Driver('');
  let duck: DuckChecks | undefined;
  try {
    for (const table of tablesOf(checks, 'sqlite')) {
      const found = await find(table);
      if (found) await fill(db, house, found);
    }
    db.exec('PRAGMA query_only = ON');
    const sqlite = readOnlyQuery((sql) => {
      const statement = db.prepare(sql);
      statement.setReadBigInts(true);
      return statement.all();
    });
    duck = await duckChecks(house, tablesOf(checks, 'duckdb'), find);
    return await runEach(checks, { sqlite, duckdb: duck.query }, signal);
  } finally {
    duck?.close();
    db.close();
  }
}

/** A table as it is on the branch, or on the main one where it has no such branch. */
async function auditedTable(
  house: Lakehouse,
  branch: string,
  table: string,
  definition: TableDefinition | undefined,
): Promise<AuditedTable | undefined> {
  const loaded = await house.load(table);
  if (!loaded) return undefined;
  const { metadata } = loaded;
  const isStaged = metadata.refs[branch] !== undefined;
  return {
    loaded,
    columns: definition && isStaged ? physicalColumns(definition) : readableColumns(table, metadata),
    snapshot: snapshotOf(metadata, isStaged ? branch : mainBranch),
  };
}

async function fill(
  db: DatabaseSync,
  house: Lakehouse,
  { loaded, columns, snapshot }: AuditedTable,
): Promise<void> {
  const table = quote(loaded.identifier.name);
  db.exec(
    `CREATE TABLE ${table} (${columns.map(({ name, type }) => `${quote(name)} ${sqlType(type)}`).join(', ')})`,
  );
  const insert = db.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => '?').join(', ')})`);
  db.exec('BEGIN');
  for await (const row of new IcebergReader(house).readSnapshot(loaded, snapshot, {}, columns)) {
    insert.run(...columns.map((column) => sqlValue(column, row[column.name] ?? null)));
  }
  db.exec('COMMIT');
}

function sqlType(type: Column['type']): string {
  const shape = decimalShape(type);
  if (shape) return shape.precision <= exactDigits ? `DECIMAL(${shape.precision},${shape.scale})` : 'TEXT';
  if (type === 'int64') return 'INTEGER';
  if (type === 'float64') return 'REAL';
  if (type === 'boolean') return 'BOOLEAN';
  return type === 'binary' ? 'BLOB' : 'TEXT';
}

function sqlValue({ type }: Column, value: Value): SQLInputValue {
  if (value === null || typeof value === 'bigint' || value instanceof Uint8Array) return value;
  if (type === 'json') return stringifyJson(value);
  if (typeof value === 'boolean') return Number(value);
  return value as string | number;
}

function quote(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
