/** Sends answers, whole or struck by faults of the transport. */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Answer } from './answers.ts';
import type { Fault } from './faults.ts';

/** Sends an answer. */
export function send(response: ServerResponse, { status, headers, body }: Answer): void {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, ...(status !== 204 && { 'content-length': bytes.length }) });
  response.end(bytes);
}

/** Sends an answer as far as faults let it through. */
export async function sendStruck(
  response: ServerResponse,
  answer: Answer,
  faults: readonly Fault[],
): Promise<void> {
  for (const fault of faults) {
    switch (fault.kind) {
      case 'reset':
        return void response.socket?.resetAndDestroy();
      case 'hang':
        if (fault.part === 'body') sendHalf(response, answer, lengthOf(answer));
        return;
      case 'truncated':
        if (fault.shape === 'clean') sendHalf(response, answer, {}).end();
        else sendHalf(response, answer, lengthOf(answer), () => response.destroy());
        return;
      case 'slow': {
        const half = fault.part === 'body' ? sendHalf(response, answer, lengthOf(answer)) : undefined;
        await delay(fault.delayMs, undefined, { ref: false });
        if (half) return void half.end(secondHalf(answer));
        break;
      }
      default:
    }
  }
  send(response, answer);
}

function lengthOf({ body }: Answer): Record<string, number> {
  return { 'content-length': Buffer.byteLength(body) };
}

function sendHalf(
  response: ServerResponse,
  { status, headers, body }: Answer,
  length: Record<string, number>,
  sent?: () => void,
): ServerResponse {
  const bytes = Buffer.from(body);
  response.writeHead(status, { ...headers, ...length });
  response.write(bytes.subarray(0, bytes.length >>> 1), sent);
  return response;
}

function secondHalf({ body }: Answer): Buffer {
  const bytes = Buffer.from(body);
  return bytes.subarray(bytes.length >>> 1);
}
