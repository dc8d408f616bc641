import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { isPlumbingError } from '../../../src/errors/index.ts';
import { AccessToken } from '../../../src/sources/comdirect/access-token.ts';

const answer = {
  access_token: '11111111-aaaa-4bbb-8ccc-000000000001',
  token_type: 'bearer',
  refresh_token: '22222222-aaaa-4bbb-8ccc-000000000002',
  expires_in: 599,
  scope: 'TWO_FACTOR',
  kdnr: '0012345678',
  bpid: 12345678,
  kontaktId: 1234567890,
};
const issuedAtMs = Date.UTC(2026, 10, 23, 7);

const thrown = (work: () => unknown): unknown => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('answers that are not as documented', () => {
  test.each([
    undefined,
    null,
    'token',
    [],
    {},
    { ...answer, access_token: '' },
    { ...answer, refresh_token: 7 },
  ])('%j is refused without showing a value', (body) => {
    const error = thrown(() => AccessToken.fromResponse(body, issuedAtMs));
    expect(isPlumbingError(error, 'SOURCE_FAILED')).toBe(true);
    expect(inspect(error, { depth: 9 })).not.toContain('2222-aaaa');
  });

  test.each([
    [0, 0],
    [-5, 0],
    ['599', 599],
    ['soon', 0],
    [null, 0],
    [undefined, 0],
    [Number.NaN, 0],
    [1e12, 1e12],
    [0.5, 0.5],
  ])('a life time of %j counts as %d seconds', (given, expected) => {
    const token = AccessToken.fromResponse({ ...answer, expires_in: given }, issuedAtMs);
    expect(token.expiresIn).toBe(expected);
    expect(token.needsRefresh(0, issuedAtMs)).toBe(expected === 0);
  });

  test.each([undefined, null, {}, [], { accessToken: 'a' }, { ...answer, issuedAtMs }])(
    '%j is no stored token',
    (json) => {
      expect(
        isPlumbingError(
          thrown(() => AccessToken.fromJSON(json)),
          'TOKEN_STORE_CORRUPT',
        ),
      ).toBe(true);
    },
  );
});

test('quirk 2: ids arrive as numbers or as text and are text here, leading zeros kept', () => {
  const token = AccessToken.fromResponse(answer, issuedAtMs);
  expect([token.kdnr, token.bpid, token.kontaktId]).toEqual(['0012345678', '12345678', '1234567890']);
});

test('an answer without the ids, as to a refresh, is a token as well', () => {
  const { kdnr: _kdnr, bpid: _bpid, kontaktId: _kontaktId, scope: _scope, ...five } = answer;
  const token = AccessToken.fromResponse(five, issuedAtMs);
  expect([token.kdnr, token.bpid, token.kontaktId, token.scope]).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('the token needs a refresh as soon as less than the buffer is left, by the life time the bank gave', () => {
  const token = AccessToken.fromResponse({ ...answer, expires_in: 100 }, issuedAtMs);
  expect(token.needsRefresh(10, issuedAtMs + 89_999)).toBe(false);
  expect(token.needsRefresh(10, issuedAtMs + 90_000)).toBe(true);
  expect(token.needsRefresh(0, issuedAtMs + 99_999)).toBe(false);
  expect(token.expiresAtMs).toBe(issuedAtMs + 100_000);
});

test('a token survives the way through JSON unchanged', () => {
  const token = AccessToken.fromResponse(answer, issuedAtMs);
  const copy = AccessToken.fromJSON(JSON.parse(JSON.stringify(token)));
  expect(copy.toJSON()).toEqual(token.toJSON());
  expect(copy.bearerAccessToken).toBe(`Bearer ${answer.access_token}`);
  expect(copy.issuedAtMs).toBe(issuedAtMs);
});

test('printing a token shows neither of its values, nor who it belongs to', () => {
  const token = AccessToken.fromResponse(answer, issuedAtMs);
  const shown = [
    inspect(token, { depth: 9, showHidden: true }),
    JSON.stringify(token.secrets),
    inspect({ token }),
    inspect(token.secrets),
  ];
  for (const text of shown) {
    expect(text).not.toContain(answer.access_token);
    expect(text).not.toContain(answer.refresh_token);
    expect(text).not.toContain(answer.kdnr);
  }
});
