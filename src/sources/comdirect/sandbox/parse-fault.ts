/** Faults as they come in over HTTP. */
import { z } from 'zod';
import type { Fault } from './faults.ts';

const part = z.enum(['headers', 'body']);
const kind = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('status'),
    status: z.int().min(200).max(599),
    retryAfter: z.string().optional(),
  }),
  z.object({ kind: z.literal('latin1'), status: z.int().min(400).max(599).optional() }),
  z.object({ kind: z.literal('truncated'), shape: z.enum(['length', 'clean']) }),
  z.object({ kind: z.literal('slow'), part, delayMs: z.number().min(0) }),
  z.object({ kind: z.literal('reset') }),
  z.object({ kind: z.literal('hang'), part: part.optional() }),
  z.object({ kind: z.literal('html') }),
  z.object({ kind: z.literal('redirect'), location: z.string() }),
  z.object({ kind: z.literal('unknown-fields') }),
  z.object({ kind: z.literal('arrival') }),
  z.object({ kind: z.literal('expired-token') }),
]);
const matcher = z.object({
  method: z.string().optional(),
  path: z.string().optional(),
  pathPattern: z.string().optional(),
  nth: z.int().min(1).optional(),
  times: z.int().min(0).optional(),
});

/** A fault from JSON. `pathPattern` stands for an expression, which JSON cannot hold; the problem as text if it is none. */
export function parseFault(json: unknown): Fault | string {
  const what = kind.safeParse(json);
  if (!what.success) return z.prettifyError(what.error);
  const where = matcher.safeParse(json);
  if (!where.success) return z.prettifyError(where.error);
  const { pathPattern, ...rest } = where.data;
  if (pathPattern === undefined) return { ...what.data, ...rest };
  try {
    return { ...what.data, ...rest, path: new RegExp(pathPattern) };
  } catch {
    return 'pathPattern is no regular expression';
  }
}
