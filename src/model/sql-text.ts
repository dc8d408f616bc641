/** Names and constants in SQL text. Everything else travels as a bound parameter. */
import { PlumbingError } from '../errors/index.ts';

/**
 * `name` as a quoted SQL identifier.
 *
 * @throws PlumbingError `SCHEMA_INVALID` for an empty name and for one that SQLite can't hold (NUL, half a surrogate pair).
 */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0') || !name.isWellFormed()) {
    throw new PlumbingError(
      'SCHEMA_INVALID',
      'a table or column name is empty, or has a NUL or half a character in it: give it another name',
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** `text` as a quoted SQL string. For values of this library's own making, such as timestamps and load ids. */
export function quoteText(text: string): string {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new PlumbingError('SCHEMA_INVALID', 'a load id or time has characters that SQL text can not hold');
  }
  return `'${text.replaceAll("'", "''")}'`;
}
