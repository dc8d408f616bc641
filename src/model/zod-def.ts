/** What zod tells of a schema's inside: the part of `_zod` that schemas are compiled from. */
import type { z } from 'zod';

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

const internalsOf = (schema: z.ZodType): Internals => (schema as unknown as { _zod: Internals })._zod;

/** The definition of a schema. */
export const defOf = (schema: z.ZodType): ZodDef => internalsOf(schema).def;

/** Names of the classes that a schema is of: those that share a definition are told apart by them. */
export const traitsOf = (schema: z.ZodType): ReadonlySet<string> => internalsOf(schema).traits;
