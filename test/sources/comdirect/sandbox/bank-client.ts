/** A client of the sandbox that knows nothing of our own: plain fetch, as somebody else's program would use it. */
import type { ComdirectSandbox } from '../../../../src/sources/comdirect/sandbox/index.ts';

type Json = Record<string, never> & { [key: string]: unknown };

/** An answer, its body read. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests look into bodies of many shapes.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly json: any;
}

const info = {
  'x-http-request-info': JSON.stringify({
    clientRequestId: { sessionId: 'a'.repeat(32), requestId: '123456789' },
  }),
};

/** A transaction as it is on the wire. */
export interface Row {
  readonly reference: string | null;
  readonly bookingStatus: string;
  readonly bookingDate: string | null;
  readonly valutaDate: string | null;
  readonly amount: { readonly value: string; readonly unit: string };
  readonly remitter: { readonly holderName: string; readonly iban?: null } | null;
  readonly creditor: { readonly iban: string; readonly bic: string } | null;
  readonly deptor: null;
  readonly directDebitMandateId: string | null;
  readonly endToEndReference: string | null;
  readonly newTransaction: boolean;
  readonly remittanceInfo: string;
  readonly transactionType: { readonly key: string };
}

/** Calls by hand. */
export class BankClient {
  readonly #bank: ComdirectSandbox;
  access = '';
  refresh = '';

  constructor(bank: ComdirectSandbox) {
    this.#bank = bank;
  }

  async call(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: unknown } = {},
  ): Promise<Answered> {
    const response = await fetch(`${this.#bank.url}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${this.access}`,
        ...info,
        ...options.headers,
      },
      ...(options.body !== undefined && {
        body: typeof options.body === 'string' ? options.body : JSON.stringify(options.body),
      }),
      redirect: 'manual',
    });
    const text = await response.text();
    let json: Json | undefined;
    try {
      json = JSON.parse(text) as Json;
    } catch {
      json = undefined;
    }
    return { status: response.status, headers: response.headers, text, json };
  }

  get(path: string, headers?: Record<string, string>): Promise<Answered> {
    return this.call('GET', path, headers ? { headers } : {});
  }

  async token(form: Record<string, string>): Promise<Answered> {
    const { clientId, clientSecret } = this.#bank.credentials;
    const body = new URLSearchParams({
      client_id: clientId,
      client_secret: clientSecret,
      ...form,
    }).toString();
    const answer = await this.call('POST', '/oauth/token', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body,
    });
    if (answer.status === 200) {
      this.access = String(answer.json.access_token);
      this.refresh = String(answer.json.refresh_token);
    }
    return answer;
  }

  password(): Promise<Answered> {
    const { username, password } = this.#bank.credentials;
    return this.token({ grant_type: 'password', username, password });
  }

  async identifier(): Promise<string> {
    return String((await this.get('/api/session/clients/user/v1/sessions')).json[0].identifier);
  }

  validate(identifier: string, options: { typ?: string; flags?: boolean } = {}): Promise<Answered> {
    const { typ, flags = true } = options;
    return this.call('POST', `/api/session/clients/user/v1/sessions/${identifier}/validate`, {
      headers: typ === undefined ? {} : { 'x-once-authentication-info': JSON.stringify({ typ }) },
      body: { identifier, sessionTanActive: flags, activated2FA: flags },
    });
  }

  activate(identifier: string, once: unknown, tan?: string): Promise<Answered> {
    return this.call('PATCH', `/api/session/clients/user/v1/sessions/${identifier}`, {
      headers: {
        'x-once-authentication-info': typeof once === 'string' ? once : JSON.stringify(once),
        ...(tan !== undefined && { 'x-once-authentication': tan }),
      },
      body: { identifier, sessionTanActive: true, activated2FA: true },
    });
  }

  /** All five steps, with a push TAN that the test approves. */
  async login(): Promise<Answered> {
    await this.password();
    const identifier = await this.identifier();
    const { id } = challengeOf(await this.validate(identifier));
    this.#bank.approve();
    await this.activate(identifier, { id });
    return this.token({ grant_type: 'cd_secondary', token: this.access });
  }

  async accountId(index = 0): Promise<string> {
    const { json } = await this.get('/api/banking/clients/user/v2/accounts/balances');
    return String(json.values[index].accountId);
  }

  balances(): Promise<Answered> {
    return this.get('/api/banking/clients/user/v2/accounts/balances');
  }

  async pending(accountId: string): Promise<Row[]> {
    return (await this.transactions(accountId, 'transactionState=NOTBOOKED')).json.values as Row[];
  }

  /** All booked rows of an account, page by page. */
  async history(accountId: string, more = ''): Promise<Row[]> {
    const query = `transactionState=BOOKED&min-bookingDate=1970-01-01&paging-count=500${more}`;
    const rows: Row[] = [];
    for (;;) {
      const { json } = await this.transactions(accountId, `${query}&paging-first=${rows.length}`);
      rows.push(...(json.values as Row[]));
      if (rows.length >= json.paging.matches || json.values.length === 0) return rows;
    }
  }

  transactions(accountId: string, query: string): Promise<Answered> {
    return this.get(`/api/banking/v1/accounts/${accountId}/transactions?${query}`);
  }
}

/** The challenge of a validate call. */
export function challengeOf(answer: Answered): {
  id: string;
  typ: string;
  availableTypes: string[];
  challenge?: string;
  link?: { href: string };
} {
  return JSON.parse(answer.headers.get('x-once-authentication-info') ?? '{}') as ReturnType<
    typeof challengeOf
  >;
}
