/** What faults make of an answer. */
import { businessError, notFound, tooManyRequests } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Bank } from './bank.ts';
import { addUnknownFields } from './faults.ts';
import type { Fault } from './faults.ts';

/** What faults do before the bank looks at the request; an answer in place of the bank's, if one gives it. */
export function beforeFaults(bank: Bank, faults: readonly Fault[], access: string): Answer | undefined {
  for (const fault of faults) {
    if (fault.kind === 'arrival') bank.banking.arrive();
    if (fault.kind === 'expired-token') bank.login.expire(access);
    const instead = insteadOf(fault);
    if (instead) return instead;
  }
  return undefined;
}

function insteadOf(fault: Fault): Answer | undefined {
  switch (fault.kind) {
    case 'status':
      return withStatus(fault.status, fault.retryAfter);
    case 'latin1': {
      const { status, body, headers } = internalError(fault.status ?? 500);
      return { status, body: Buffer.from(String(body), 'latin1'), headers };
    }
    case 'html':
      return {
        status: 200,
        body: '<!doctype html><title>Wartung</title>',
        headers: { 'content-type': 'text/html' },
      };
    case 'redirect':
      return { status: 307, body: '', headers: { location: fault.location } };
    default:
      return undefined;
  }
}

function withStatus(status: number, retryAfter: string | undefined): Answer {
  if (status === 429) return tooManyRequests(retryAfter);
  if (status === 404) return notFound;
  const error = internalError(status);
  return retryAfter === undefined
    ? error
    : { ...error, headers: { ...error.headers, 'retry-after': retryAfter } };
}

function internalError(status: number): Answer {
  return businessError(status, 'internal.error', {
    key: 'internal.error',
    message: 'Ein Fehler ist aufgetreten, bitte später erneut ausführen',
  });
}

/** What faults make of the bank's answer. */
export function afterFaults(faults: readonly Fault[], answer: Answer): Answer {
  const { body, status } = answer;
  if (typeof body !== 'string' || body === '' || status >= 300) return answer;
  return faults.some(({ kind }) => kind === 'unknown-fields')
    ? { ...answer, body: addUnknownFields(body) }
    : answer;
}
