/** Options that are set by an environment variable, before commander looks at them. */
import type { Command } from 'commander';
import { PlumbingError } from '../errors/index.ts';

const yes = new Set(['1', 'true', 'yes', 'on']);
const no = new Set(['', '0', 'false', 'no', 'off']);

/**
 * Takes the variables that set nothing out of `env`: empty ones, and those that say no to a switch. For commander a switch
 * is on as soon as its variable exists, whatever it says.
 *
 * @throws PlumbingError `CONFIG_INVALID` for the variable of a switch that says neither yes nor no.
 */
export function readOptionVariables(program: Command, env: NodeJS.ProcessEnv): void {
  for (const option of program.options) {
    const { envVar } = option;
    const text = envVar === undefined ? undefined : env[envVar]?.trim().toLowerCase();
    if (envVar === undefined || text === undefined) continue;
    const isSwitch = option.isBoolean() || option.negate;
    if (text === '' || (isSwitch && no.has(text))) delete env[envVar];
    else if (isSwitch && !yes.has(text)) {
      throw new PlumbingError('CONFIG_INVALID', `${envVar}: expected true or false`);
    }
  }
  for (const command of program.commands) readOptionVariables(command, env);
}

/** The names of an option that takes many: separated by blanks or commas, in one argument or in several. */
export function namesOf(given: readonly string[] | string | undefined): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const names = [given].flat().flatMap((each) => each.split(/[\s,]+/));
  const named = names.filter((name) => name !== '');
  if (named.length > 0) return named;
  throw new PlumbingError(
    'CONFIG_INVALID',
    'an option that takes names was given none: name some, or leave it out',
  );
}
