/** Options that take several names: `--streams a b`, `--streams a,b`, `PLUMBING_STREAMS="a, b"`. */
import { InvalidArgumentError, Option } from 'commander';

/** The option `flags`; its value is an array of at least one name. */
export function namesOption(flags: string, description: string, variable: string): Option {
  return new Option(flags, description).env(variable).argParser(names);
}

/** An empty list could mean none as well as all: neither is done by accident. */
function names(text: string, before: readonly string[] | undefined): readonly string[] {
  const given = text.split(/[\s,]+/).filter((name) => name !== '');
  if (given.length > 0) return [...(before ?? []), ...given];
  throw new InvalidArgumentError('expected at least one name; leave the option out for all');
}
