/** The token pair of one login. */
import { inspect } from 'node:util';
import { z } from 'zod';
import { PlumbingError } from '../../errors/index.ts';
import { Secret } from '../../logging/index.ts';
import type { StoredToken } from '../../auth/index.ts';

/** Seconds as the bank sends them: a number, or a text of digits; anything else counts as expired. */
const seconds = z.preprocess((value) => {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : 0;
}, z.number());

/** The bank sends some ids as numbers although its specification says text. */
const id = z
  .union([z.string(), z.number(), z.bigint()])
  .transform(String)
  .nullish()
  .transform((value) => value ?? undefined);

/** Reference: comdirect REST API 4/2020, section 2.1 (answer); the ids are missing in some answers to a refresh. */
const answerSchema = z.looseObject({
  access_token: z.string().min(1),
  refresh_token: z.string().min(1),
  expires_in: seconds,
  scope: z.string().nullish(),
  kdnr: id,
  bpid: id,
  kontaktId: id,
});

const storedSchema = z.object({
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1),
  issuedAtMs: z.number(),
  expiresIn: seconds,
  scope: z.string().optional(),
  kdnr: z.string().optional(),
  bpid: z.string().optional(),
  kontaktId: z.string().optional(),
});

/** What {@link AccessToken.toJSON} gives: the token values in the clear, for a token store only. */
export interface AccessTokenJson extends StoredToken {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresIn: number;
  readonly scope?: string;
  readonly kdnr?: string;
  readonly bpid?: string;
  readonly kontaktId?: string;
}

/**
 * An access token with the refresh token that renews it. Printing it shows neither; `toJSON` gives both, because
 * token stores need them, so never log its JSON.
 *
 * @example
 * ```ts
 * const token = AccessToken.fromJSON(await store.read());
 * if (token.needsRefresh(60)) await store.write((await refreshToken(config, token)).toJSON());
 * ```
 */
export class AccessToken {
  /** Wall-clock milliseconds at which the token was asked for. */
  readonly issuedAtMs: number;
  /** Life in seconds, as the bank said; 0 when it said nothing usable. */
  readonly expiresIn: number;
  readonly scope: string | undefined;
  /** Customer number. */
  readonly kdnr: string | undefined;
  readonly bpid: string | undefined;
  readonly kontaktId: string | undefined;
  readonly #accessToken: Secret;
  readonly #refreshToken: Secret;

  private constructor(fields: z.output<typeof storedSchema>) {
    this.issuedAtMs = fields.issuedAtMs;
    this.expiresIn = fields.expiresIn;
    this.scope = fields.scope;
    this.kdnr = fields.kdnr;
    this.bpid = fields.bpid;
    this.kontaktId = fields.kontaktId;
    this.#accessToken = new Secret(fields.accessToken);
    this.#refreshToken = new Secret(fields.refreshToken);
  }

  /**
   * From the answer of the bank's token endpoint.
   *
   * @throws PlumbingError `SOURCE_FAILED` when it holds no tokens.
   */
  static fromResponse(body: unknown, issuedAtMs: number): AccessToken {
    const parsed = answerSchema.safeParse(body);
    if (!parsed.success) {
      const fields = parsed.error.issues.map((issue) => issue.path.join('.')).join(', ');
      throw new PlumbingError('SOURCE_FAILED', `comdirect's token answer is not as documented: ${fields}`);
    }
    const {
      access_token: accessToken,
      refresh_token: refreshToken,
      expires_in: expiresIn,
      ...rest
    } = parsed.data;
    const { scope, kdnr, bpid, kontaktId } = rest;
    return new AccessToken({
      accessToken,
      refreshToken,
      expiresIn,
      issuedAtMs,
      scope: scope ?? undefined,
      kdnr,
      bpid,
      kontaktId,
    });
  }

  /**
   * From what {@link AccessToken.toJSON} gave.
   *
   * @throws PlumbingError `TOKEN_STORE_CORRUPT` when it is something else.
   */
  static fromJSON(json: unknown): AccessToken {
    const parsed = storedSchema.safeParse(json);
    if (parsed.success) return new AccessToken(parsed.data);
    throw new PlumbingError(
      'TOKEN_STORE_CORRUPT',
      'the stored value is no comdirect token; log in again with: plumbing auth comdirect login',
    );
  }

  /** `Bearer ...`, as the `Authorization` header wants it. */
  get bearerAccessToken(): string {
    return `Bearer ${this.#accessToken.reveal()}`;
  }

  /** The bare token values, for requests to the token endpoint. */
  get secrets(): { readonly accessToken: Secret; readonly refreshToken: Secret } {
    return { accessToken: this.#accessToken, refreshToken: this.#refreshToken };
  }

  /** When the access token ends, in wall-clock milliseconds. */
  get expiresAtMs(): number {
    return this.issuedAtMs + this.expiresIn * 1000;
  }

  /** Whether less than `bufferSeconds` of the token's life are left. */
  needsRefresh(bufferSeconds = 60, nowMs: number = Date.now()): boolean {
    return nowMs + bufferSeconds * 1000 >= this.expiresAtMs;
  }

  /** The same token with a time of issue after that of `older`, also when the clock was set back: stores keep the newest. */
  issuedAfter(older: AccessToken): AccessToken {
    if (this.issuedAtMs > older.issuedAtMs) return this;
    return AccessToken.fromJSON({ ...this.toJSON(), issuedAtMs: older.issuedAtMs + 1 });
  }

  /** The token in the clear, for a token store. `AccessToken.fromJSON` makes it a token again. */
  toJSON(): AccessTokenJson {
    return {
      accessToken: this.#accessToken.reveal(),
      refreshToken: this.#refreshToken.reveal(),
      issuedAtMs: this.issuedAtMs,
      expiresIn: this.expiresIn,
      ...(this.scope !== undefined && { scope: this.scope }),
      ...(this.kdnr !== undefined && { kdnr: this.kdnr }),
      ...(this.bpid !== undefined && { bpid: this.bpid }),
      ...(this.kontaktId !== undefined && { kontaktId: this.kontaktId }),
    };
  }

  /** Life time only. */
  [inspect.custom](): string {
    return `AccessToken { issuedAtMs: ${this.issuedAtMs}, expiresIn: ${this.expiresIn} }`;
  }
}
