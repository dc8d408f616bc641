/** What maintenance is told, and what it tells. */

/** Options of `maintainIceberg`. */
export interface MaintenanceOptions {
  /** These tables, whoever made them. Default: all that this library made in the namespace, bookkeeping included. */
  readonly tables?: readonly string[];
  /** Put small files together, and take deleted rows out of files. Default true. */
  readonly compact?: boolean;
  /** Snapshots that are older are forgotten, with the files that only they need. Default 5; `null`: none. */
  readonly expireOlderThanDays?: number | null;
  /** So many of the newest snapshots stay, whatever their age. Default 10. */
  readonly retainLast?: number;
  /**
   * Files that nothing needs and that are older are removed. Default 3; `null`: none. They may belong to a commit that is under
   * way, of this or another program, so take no less than the longest load lasts.
   */
  readonly removeOrphansOlderThanDays?: number | null;
  /** Only says what would be done. Default false. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** What was done to one table. */
export interface TableMaintenance {
  readonly table: string;
  readonly filesCompacted: number;
  readonly filesWritten: number;
  readonly snapshotsExpired: number;
  /** Files that only the expired snapshots needed. */
  readonly filesRemoved: number;
  readonly orphansRemoved: number;
}
