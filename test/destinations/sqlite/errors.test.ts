/** What errors of SQLite and of the file system are turned into. */
import { expect, test } from 'vitest';
import { PlumbingError } from '../../../src/errors/index.ts';
import { sqliteError } from '../../../src/errors/sqlite-error.ts';

const ofSqlite = (errcode: number): Error =>
  Object.assign(new Error('near "x": syntax error'), { code: 'ERR_SQLITE_ERROR', errcode });
const ofSystem = (code: string): Error =>
  Object.assign(new Error(`${code}: open`), { code, syscall: 'open' });

test.each<[string, number, string, boolean, RegExp]>([
  ['SQLITE_ERROR', 1, 'DEST_FAILED', false, /near "x": syntax error/],
  ['SQLITE_PERM', 3, 'DEST_READ_ONLY', false, /check the permissions/],
  ['SQLITE_BUSY', 5, 'DEST_BUSY', true, /another process holds its lock/],
  ['SQLITE_BUSY_RECOVERY', 261, 'DEST_BUSY', true, /another process holds its lock/],
  ['SQLITE_LOCKED', 6, 'DEST_BUSY', true, /another statement holds its lock/],
  ['SQLITE_READONLY', 8, 'DEST_READ_ONLY', false, /check the permissions/],
  ['SQLITE_READONLY_DIRECTORY', 1544, 'DEST_READ_ONLY', false, /check the permissions/],
  ['SQLITE_IOERR on a disk with space', 10, 'DEST_FAILED', false, /syntax error/],
  ['SQLITE_CORRUPT', 11, 'DEST_CORRUPT', false, /restore it from a backup/],
  ['SQLITE_FULL', 13, 'DEST_FULL', true, /no space is left/],
  ['SQLITE_CANTOPEN', 14, 'DEST_FAILED', false, /can not be opened/],
  ['SQLITE_NOTADB', 26, 'DEST_FOREIGN', false, /not an SQLite database/],
])('%s', (_name, errcode, code, retryable, text) => {
  const cause = ofSqlite(errcode);
  const error = sqliteError(cause, '/tmp/a.db');
  expect(error).toBeInstanceOf(PlumbingError);
  expect(error).toMatchObject({
    code,
    retryable,
    cause,
    context: { path: '/tmp/a.db', sqliteCode: errcode },
    message: expect.stringMatching(text) as string,
  });
  expect((error as Error).message).toMatch(/^\/tmp\/a\.db: /);
});

test.each([
  ['EACCES', 'DEST_READ_ONLY', false],
  ['EPERM', 'DEST_READ_ONLY', false],
  ['EROFS', 'DEST_READ_ONLY', false],
  ['ENOSPC', 'DEST_FULL', true],
  ['EDQUOT', 'DEST_FULL', true],
  ['EMFILE', 'DEST_FAILED', false],
])('%s of the file system is %s', (errno, code, retryable) => {
  expect(sqliteError(ofSystem(errno), 'a.db')).toMatchObject({
    code,
    retryable,
    context: { path: 'a.db', errno },
  });
});

test('an I/O error where nothing can be said of the disk is no full disk', () => {
  expect(sqliteError(ofSqlite(10), '/no such folder/a.db')).toMatchObject({ code: 'DEST_FAILED' });
});

test('what is none of these stays as it is', () => {
  const typed = new PlumbingError('ROW_INVALID', 'x');
  const others = [
    typed,
    new TypeError('x'),
    Object.assign(new Error('x'), { code: 'ERR_SQLITE_ERROR' }),
    Object.assign(new Error('x'), { code: 'OTHER', errcode: 5 }),
    Object.assign(new Error('x'), { syscall: 'open', code: 5 }),
    'text',
    undefined,
  ];
  for (const other of others) expect(sqliteError(other, 'a.db')).toBe(other);
});
