/** What zod tells of a schema's inside: the part of `_zod` that schemas are compiled from. */
import type { z } from 'zod';
import { PlumbingError } from '../errors/index.ts';

/** The definition of a schema; which fields it has depends on its type. */
export interface ZodDef {
  readonly type: string;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
  readonly out?: z.ZodType;
  readonly shape?: Record<string, z.ZodType>;
  readonly element?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly values?: readonly unknown[];
  readonly checks?: readonly unknown[];
  readonly catchall?: z.ZodType;
  readonly coerce?: boolean;
  readonly format?: string;
  readonly pattern?: RegExp;
}

interface Internals {
  readonly def: ZodDef;
  readonly traits: ReadonlySet<string>;
}

function internalsOf(schema: z.ZodType): Internals {
  const { _zod } = schema as unknown as { _zod?: Internals };
  if (_zod) return _zod;
  throw new PlumbingError(
    'SCHEMA_INVALID',
    'a schema is no zod 4 schema: make it with z.object({ ... }) of the package zod, version 4.1 or newer',
  );
}

/** The definition of a schema. */
export const defOf = (schema: z.ZodType): ZodDef => internalsOf(schema).def;

/** Names of the classes that a schema is of: those that share a definition are told apart by them. */
export const traitsOf = (schema: z.ZodType): ReadonlySet<string> => internalsOf(schema).traits;
