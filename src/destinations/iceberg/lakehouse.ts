/** What everything of one session works with: catalog, files, and the manifests that were read already. */
import { randomUUID } from 'node:crypto';
import type { Catalog, LoadedTable, TableIdentifier } from '../../iceberg/catalog.ts';
import type { FileIo } from '../../iceberg/file-io.ts';
import { ManifestReader } from '../../iceberg/manifest-reader.ts';
import type { MetadataUpdate } from '../../iceberg/metadata-update.ts';
import { newSpec } from '../../iceberg/partition.ts';
import { newSchema } from '../../iceberg/schema.ts';
import type { NewField } from '../../iceberg/schema.ts';
import { DuckEngine } from './duckdb/engine.ts';
import type { WarehouseOptions } from './options.ts';
import type { FilePolicy } from './working-table.ts';

/** See the module's title. */
export class Lakehouse {
  readonly catalog: Catalog;
  readonly io: FileIo;
  readonly options: WarehouseOptions;
  readonly manifests: ManifestReader;
  #engine: Promise<DuckEngine | undefined> | undefined;

  constructor(catalog: Catalog, io: FileIo, options: WarehouseOptions) {
    this.catalog = catalog;
    this.io = io;
    this.options = options;
    this.manifests = new ManifestReader(io);
  }

  /** Where it is, for messages. */
  get path(): string {
    return this.options.warehouse;
  }

  /** Whether its files are in a folder. */
  get isLocal(): boolean {
    return this.options.warehouseLocation.startsWith('file:');
  }

  get filePolicy(): FilePolicy {
    const { targetFileBytes, rewriteBelowBytes } = this.options;
    return { targetFileBytes, rewriteBelowBytes, rewriteAboveDeleted: 0.3 };
  }

  identifier(name: string): TableIdentifier {
    return { namespace: [this.options.namespace], name };
  }

  /** DuckDB, where it is installed and may be used. */
  engine(): Promise<DuckEngine | undefined> {
    const { engine } = this.options;
    return (this.#engine ??= engine === 'javascript' ? Promise.resolve(undefined) : DuckEngine.open());
  }

  /** Starts DuckDB, on threads of its own; whoever needs it is told of a failure. */
  warmUp(): void {
    this.engine().catch(() => undefined);
  }

  /** The same house with another catalog, e.g. that of a branch; for reading and committing only: what it opens is not closed. */
  withCatalog(catalog: Catalog): Lakehouse {
    return new Lakehouse(catalog, this.io, this.options);
  }

  async close(): Promise<void> {
    // Whoever needed it was told of its failure.
    const engine = await this.#engine?.catch(() => undefined);
    engine?.close();
    await this.catalog.close();
  }

  /** The table's current state; `undefined` when there is none. */
  load(name: string): Promise<LoadedTable | undefined> {
    return this.catalog.loadTable(this.identifier(name));
  }

  /** Names of all tables of the namespace. */
  tables(): Promise<readonly string[]> {
    return this.catalog.listTables([this.options.namespace]);
  }

  /** Where the files of a new table go. */
  async newLocation(name: string): Promise<string> {
    const identifier = this.identifier(name);
    return (await this.catalog.newLocation?.(identifier)) ?? this.catalog.defaultLocation(identifier);
  }

  /** The changes that make a new table. */
  creation(
    name: string,
    fields: readonly NewField[],
    key: readonly string[],
    properties: Readonly<Record<string, string>>,
    location = this.catalog.defaultLocation(this.identifier(name)),
  ): MetadataUpdate[] {
    const { schema, lastColumnId } = newSchema(fields, key);
    const { spec } = newSpec(schema, this.options.partitionBy[name] ?? []);
    return [
      { action: 'assign-uuid', uuid: randomUUID() },
      { action: 'upgrade-format-version', 'format-version': 2 },
      { action: 'set-location', location },
      { action: 'add-schema', schema, 'last-column-id': lastColumnId },
      { action: 'set-current-schema', 'schema-id': -1 },
      { action: 'add-spec', spec },
      { action: 'set-default-spec', 'spec-id': -1 },
      { action: 'add-sort-order', 'sort-order': { 'order-id': 0, fields: [] } },
      { action: 'set-default-sort-order', 'sort-order-id': -1 },
      {
        action: 'set-properties',
        updates: { 'write.metadata.delete-after-commit.enabled': 'true', ...properties },
      },
    ];
  }
}
