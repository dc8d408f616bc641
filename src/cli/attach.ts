/** `--attach alias=FILE`, once for each file. */
import { Option } from 'commander';
import { PlumbingError } from '../errors/index.ts';

/** The option. Without it the file of `SQLITE_DB_PATH` is attached as `bank`. */
export function attachOption(): Option {
  return new Option(
    '--attach <alias=file>',
    'a SQLite file; may be given again (default: bank=SQLITE_DB_PATH)',
  )
    .argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text])
    .env('PLUMBING_ATTACH');
}

/**
 * Files by alias. A file alone is called `bank`.
 *
 * @throws PlumbingError `CONFIG_INVALID` when there is none, or two have one alias.
 */
export function attachments(
  given: readonly string[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const texts = given ?? (environment['SQLITE_DB_PATH'] ? [environment['SQLITE_DB_PATH']] : []);
  const files = new Map<string, string>();
  for (const text of texts) {
    const { alias = 'bank', path } = /^(?!\w+=$)(?:(?<alias>\w+)=)?(?<path>.+)$/s.exec(text)?.groups ?? {};
    if (path === undefined || files.has(alias)) {
      throw new PlumbingError(
        'CONFIG_INVALID',
        path === undefined
          ? '--attach: give ALIAS=FILE, e.g. --attach bank=comdirect.db'
          : `--attach: two files are called "${alias}"`,
      );
    }
    files.set(alias, path);
  }
  if (files.size === 0) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'no database: give --attach bank=FILE, e.g. --attach bank=comdirect.db, or set SQLITE_DB_PATH',
    );
  }
  return Object.fromEntries(files);
}
