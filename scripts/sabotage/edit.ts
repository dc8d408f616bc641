/** One act of sabotage: an edit of the sources that breaks a promise, and the test that must notice. */
export interface Edit {
  /** What the edit takes away. */
  readonly name: string;
  /** Relative to the checkout. */
  readonly file: string;
  /** Found exactly once in `file`. */
  readonly old: string;
  /** Stands in its place; the file must stay valid code. */
  readonly with: string;
  /** The test file that must turn red, relative to `test/`. */
  readonly test: string;
  /** Part of the title of the tests that are run. Absent: all of the file. */
  readonly title?: string;
}
