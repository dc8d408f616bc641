/** `--attach alias=FILE`, once for each file or warehouse. */
import { Option } from 'commander';
import { PlumbingError } from '../errors/index.ts';
import type { Analytics, AnalyticsOptions, MirrorEvent } from '../analytics/index.ts';

/** What the options of this file give. */
export interface AttachFlags {
  readonly attach?: readonly string[];
  readonly mirror?: boolean;
}

/** The option. Without it the file of `SQLITE_DB_PATH` is attached as `bank`. */
export function attachOption(): Option {
  return new Option(
    '--attach <alias=file>',
    'a SQLite file, iceberg:FOLDER or nessie:URI; may be given again (default: bank=SQLITE_DB_PATH)',
  )
    .argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text])
    .env('PLUMBING_ATTACH');
}

/**
 * Files and warehouses by alias. One alone is called `bank`. For warehouses the variables of `loadIcebergConfig` and
 * `loadNessieConfig` count.
 *
 * @throws PlumbingError `CONFIG_INVALID` when there is none, or two have one alias.
 */
export async function attachments(
  given: readonly string[] | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AnalyticsOptions['attach']> {
  const texts = given ?? (environment['SQLITE_DB_PATH'] ? [environment['SQLITE_DB_PATH']] : []);
  const files = new Map<string, AnalyticsOptions['attach'][string]>();
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
    files.set(alias, await targetOf(path, environment));
  }
  if (files.size === 0) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      'no database: give --attach bank=FILE, e.g. --attach bank=comdirect.db, or set SQLITE_DB_PATH',
    );
  }
  return Object.fromEntries(files);
}

async function targetOf(
  text: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AnalyticsOptions['attach'][string]> {
  const [, uri] = /^nessie:(https?:.+)?$/s.exec(text) ?? [];
  if (text === 'nessie:' || uri !== undefined) {
    const { loadNessieConfig } = await import('../destinations/nessie/index.ts');
    return loadNessieConfig(environment, uri);
  }
  // Warehouses in S3 can't be attached, whatever the environment says of them.
  const [, warehouse] = /^iceberg:(?:\/\/)?(?!s3[an]?:)(.+)$/s.exec(text) ?? [];
  if (warehouse === undefined) return text;
  const { loadIcebergConfig } = await import('../destinations/iceberg/index.ts');
  return loadIcebergConfig(environment, warehouse);
}

/** `--no-mirror`. */
export function mirrorOption(): Option {
  return new Option(
    '--no-mirror',
    'read SQLite files themselves, and keep no columnar copy in the folder FILE.mirror',
  ).env('PLUMBING_NO_MIRROR');
}

/**
 * Opens what is attached, with copies of files unless told otherwise, and says on standard error what happened to these.
 *
 * @throws PlumbingError as `attachments` and `openAnalytics` do
 */
export async function openAttached({ attach, mirror = true }: AttachFlags): Promise<Analytics> {
  const files = await attachments(attach, process.env);
  const { openAnalytics } = await import('../analytics/index.ts');
  return openAnalytics({ attach: files, mirror, onMirror: tellMirror });
}

function tellMirror({ path, action, reason, durationMs }: MirrorEvent): void {
  const what =
    action === 'live'
      ? `its columnar copy was not used: ${reason}`
      : `columnar copy ${path}.mirror ${action} in ${(durationMs / 1_000).toFixed(1)} s`;
  process.stderr.write(`${path}: ${what}\n`);
}
