/** The changes of metadata that a load makes to one table. */
import type { LoadedTable, TableCommit } from '../../iceberg/catalog.ts';
import { moveBranch } from '../../iceberg/metadata-update.ts';
import type { MetadataUpdate, Requirement } from '../../iceberg/metadata-update.ts';
import { mainBranch, snapshotOf } from '../../iceberg/metadata.ts';
import type { TableMetadata } from '../../iceberg/metadata.ts';
import type { TableDefinition } from '../../model/index.ts';
import { definitionText, physicalKey } from '../../model/table-layout.ts';
import { schemaUpdates } from './evolve-schema.ts';
import type { Lakehouse } from './lakehouse.ts';
import { writeState } from './state-properties.ts';
import { requirementsOf, visible } from './table-commit.ts';
import type { CommitContext } from './table-commit.ts';
import { definitionProperty, fieldsOf, ownDefinition } from './table-shape.ts';

/** Makes the commits of one table in one pipeline. `target` is what the table will look like. */
export class TableUpdates {
  readonly #house: Lakehouse;
  readonly #pipeline: string;
  readonly #name: string;

  constructor(house: Lakehouse, pipeline: string, name: string) {
    this.#house = house;
    this.#pipeline = pipeline;
    this.#name = name;
  }

  /** Its columns, or all of a new table. */
  shape(
    target: TableDefinition,
    before: TableMetadata | undefined,
    stored: TableDefinition | undefined,
    location?: string,
  ): MetadataUpdate[] {
    if (before && stored) return schemaUpdates(before, stored, target);
    const properties = { [definitionProperty]: definitionText(target) };
    const [fields, key] = [fieldsOf(target), physicalKey(target)];
    return this.#house.creation(this.#name, fields, key, properties, location);
  }

  /** These changes, with definition and cursors; `undefined` when there is nothing to change. */
  commit(
    target: TableDefinition,
    base: LoadedTable | undefined,
    changes: readonly MetadataUpdate[],
    context: CommitContext,
  ): TableCommit | undefined {
    const updates = visible(changes, base, context);
    if (context.branch === mainBranch) updates.push(...this.#properties(target, base?.metadata, context));
    if (updates.length === 0) return undefined;
    // Cursors speak of rows that must still be there: the load that brought them may have been taken back.
    const needsRows = context.state.length > 0 || updates.some(({ action }) => action === 'add-snapshot');
    const requirements: readonly Requirement[] = base
      ? requirementsOf(base, needsRows)
      : [{ type: 'assert-create' }];
    return { identifier: this.#house.identifier(this.#name), base, requirements, updates };
  }

  /** What makes visible what was put on a branch. */
  publication(
    target: TableDefinition,
    base: LoadedTable,
    branch: string,
    context: CommitContext,
  ): TableCommit {
    const { metadata } = base;
    const staged = metadata.refs[branch] && snapshotOf(metadata, branch);
    const updates: MetadataUpdate[] = [];
    if (staged) {
      const schemaId = staged['schema-id'] ?? metadata['current-schema-id'];
      if (schemaId !== metadata['current-schema-id']) {
        updates.push({ action: 'set-current-schema', 'schema-id': schemaId });
      }
      updates.push(moveBranch(metadata, mainBranch, staged['snapshot-id']), {
        action: 'remove-snapshot-ref',
        'ref-name': branch,
      });
    } else {
      // No row has changed, but columns may have.
      updates.push(...this.shape(target, metadata, ownDefinition(this.#house, this.#name, metadata)));
    }
    updates.push(...this.#properties(target, metadata, context));
    return { identifier: base.identifier, base, requirements: requirementsOf(base, true), updates };
  }

  /** Cursors of rows that are there already; `undefined` when there are none. */
  state(target: TableDefinition, base: LoadedTable, context: CommitContext): TableCommit | undefined {
    const updates = this.#properties(target, base.metadata, context);
    if (updates.length === 0) return undefined;
    return { identifier: base.identifier, base, requirements: requirementsOf(base, true), updates };
  }

  #properties(
    target: TableDefinition,
    metadata: TableMetadata | undefined,
    context: CommitContext,
  ): MetadataUpdate[] {
    const definition = definitionText(target);
    const properties = {
      ...(metadata?.properties[definitionProperty] !== definition && { [definitionProperty]: definition }),
      ...writeState(metadata, this.#pipeline, context.state, context.now),
    };
    return Object.keys(properties).length > 0 ? [{ action: 'set-properties', updates: properties }] : [];
  }
}
