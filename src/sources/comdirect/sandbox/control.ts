/** The control endpoints below `/sandbox/`, for the command line and for tests in other languages. */
import { ok } from './answers.ts';
import type { Answer } from './answers.ts';
import type { Bank } from './bank.ts';
import { parseFault } from './parse-fault.ts';

/** Answers a control request; `path` is without query. */
export function control(bank: Bank, method: string, path: string, body: string): Answer {
  switch (`${method} ${path.slice('/sandbox/'.length)}`) {
    case 'GET state':
      return ok(JSON.stringify({ now: bank.now().toISOString(), ...bank.login.state }));
    case 'GET stats':
      return ok(JSON.stringify(bank.stats));
    case 'POST approve':
      return decided(bank.secondFactor.decide('approve'));
    case 'POST reject':
      return decided(bank.secondFactor.decide('reject'));
    case 'POST expire':
      return decided(bank.secondFactor.decide('expire'));
    case 'POST arrivals':
      bank.banking.arrive();
      return done;
    case 'POST now':
    case 'POST advance':
    case 'POST clock':
      return moveClock(bank, body);
    case 'POST faults':
      return addFault(bank, body);
    case 'DELETE faults':
      bank.faults.clear();
      return done;
    default:
      return refused(404, `no control is called ${method} ${path}`);
  }
}

const done = ok('{"ok":true}');

function refused(status: number, error: string): Answer {
  return ok(JSON.stringify({ error }), status);
}

function decided(isOpen: boolean): Answer {
  return isOpen ? done : refused(409, 'no open challenge');
}

function moveClock(bank: Bank, body: string): Answer {
  const { now, advanceMs } = parse(body);
  const at = typeof now === 'string' ? new Date(now) : undefined;
  if (at && !Number.isNaN(at.getTime())) bank.setNow(at);
  else if (typeof advanceMs === 'number') bank.advance(advanceMs);
  else return refused(400, 'expected now (ISO 8601) or advanceMs (number)');
  return done;
}

function addFault(bank: Bank, body: string): Answer {
  const fault = parseFault(parse(body));
  if (typeof fault === 'string') return refused(400, fault);
  bank.faults.add(fault);
  return done;
}

function parse(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
