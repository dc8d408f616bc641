/** The variables of options, read alike by all subcommands. */
import { Command } from 'commander';
import type { Option, ParseOptionsResult } from 'commander';

const yes = /^(true|1|yes|on)$/i;
const no = /^(false|0|no|off)$/i;

/**
 * A command whose options may come from environment variables. An empty variable counts as one that is not set. One of an
 * option without a value is true, 1, yes or on, or false, 0, no or off; anything else is an error of usage.
 */
export class EnvironmentCommand extends Command {
  /** Subcommands read theirs alike. */
  override createCommand(name?: string): EnvironmentCommand {
    return new EnvironmentCommand(name);
  }

  /** Commander reads the variables right after this. */
  override parseOptions(argv: string[]): ParseOptionsResult {
    const parsed = super.parseOptions(argv);
    for (const option of this.options) this.#settle(option);
    return parsed;
  }

  /** Commander asks only whether the variable of a boolean option is there: one that says no must not be. */
  #settle(option: Option): void {
    const { envVar, flags } = option;
    const text = envVar === undefined ? undefined : process.env[envVar]?.trim();
    if (envVar === undefined || text === undefined) return;
    const isBoolean = !option.required && !option.optional;
    if (text === '' || (isBoolean && no.test(text))) {
      delete process.env[envVar];
      return;
    }
    const isGiven = this.getOptionValueSource(option.attributeName()) === 'cli';
    if (!isBoolean || isGiven || yes.test(text)) return;
    this.error(
      `error: option '${flags}' value '${text}' from env '${envVar}' is invalid. expected true or false, 1 or 0, yes or no, on or off`,
      { code: 'commander.invalidArgument' },
    );
  }
}
