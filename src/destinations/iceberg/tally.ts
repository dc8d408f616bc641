/** Counting what a load does. */

/** What became of the rows of one commit. */
export interface Tally {
  inserted: number;
  updated: number;
  unchanged: number;
  deleted: number;
}
