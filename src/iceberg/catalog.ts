/** Catalogs: which metadata file is a table's current one. */
import type { MetadataUpdate, Requirement } from './metadata-update.ts';
import type { TableMetadata } from './metadata.ts';

/** A table's name. */
export interface TableIdentifier {
  readonly namespace: readonly string[];
  readonly name: string;
}

/** A table as a catalog gave it. */
export interface LoadedTable {
  readonly identifier: TableIdentifier;
  readonly metadata: TableMetadata;
  readonly metadataLocation: string;
}

/** Changes to one table. */
export interface TableCommit {
  readonly identifier: TableIdentifier;
  /** The table that the changes were made for; absent for one that is to be made. */
  readonly base: LoadedTable | undefined;
  readonly requirements: readonly Requirement[];
  readonly updates: readonly MetadataUpdate[];
}

/**
 * How a commit ended. `conflict`: certainly nothing happened, because another commit came first. `unknown`: it may have
 * happened, and must be looked up by what it would have left, never repeated blindly.
 */
export type CommitResult =
  | { readonly outcome: 'committed'; readonly tables: readonly LoadedTable[] }
  | {
      readonly outcome: 'conflict';
      readonly reason: string;
      /** The request may have been delivered twice, and this be the second answer: the commit itself is what came first. */
      readonly mayBeOwn?: true;
    }
  | { readonly outcome: 'unknown'; readonly cause: unknown };

/** Branches of a whole catalog, beside the one that it shows. */
export interface CatalogBranches {
  /** Makes a branch from what the catalog shows now; gives the catalog as the branch has it. One of the same name goes first. */
  create(name: string): Promise<Catalog>;
  /**
   * Brings all that was committed to the branch into what the catalog shows, in one step, unless a table of it was changed there
   * since. `unknown`: it may have happened, and must be looked up.
   */
  merge(name: string, message: string): Promise<'committed' | 'conflict' | 'unknown'>;
  /** Removes a branch; one that is not there is no error. */
  remove(name: string): Promise<void>;
  /** Names of the branches that begin so. */
  list(prefix: string): Promise<readonly string[]>;
}

/** Where tables are found. */
export interface Catalog {
  /** Where it is, fit for a log line. */
  readonly location: string;
  /** Absent where tables only have branches of their own. */
  readonly branches?: CatalogBranches;
  /** The table's current state; `undefined` when there is none of that name. Never from a cache. */
  loadTable(identifier: TableIdentifier): Promise<LoadedTable | undefined>;
  /** Names of the tables of a namespace; empty when there is no such namespace. */
  listTables(namespace: readonly string[]): Promise<readonly string[]>;
  /** The current metadata file of each table of a namespace, all of one moment. */
  metadataLocations(namespace: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Where the files of a new table go. */
  defaultLocation(identifier: TableIdentifier): string;
  /** The same, asked of a catalog that chooses it itself, before any file is written. Absent where it does not. */
  newLocation?(identifier: TableIdentifier): Promise<string>;
  /**
   * Makes all changes, or none, in one step. Namespaces that are missing are made.
   *
   * @throws PlumbingError for what no other try would mend, e.g. `DEST_READ_ONLY`, `DEST_FULL`; then nothing happened.
   */
  commit(changes: readonly TableCommit[]): Promise<CommitResult>;
  /** Forgets a table; its files stay. */
  dropTable(identifier: TableIdentifier): Promise<void>;
  close(): Promise<void>;
}
