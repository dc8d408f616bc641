import { inspect } from 'node:util';
import { registerSecret } from './secret-registry.ts';

/**
 * A text that must not be printed: a password, a token, a key. As text, as JSON and in `console.log` it is `[secret]`;
 * only {@link Secret.reveal} gives the value. {@link redact} removes the value from any text, also after the secret itself
 * is gone (the last 100 values are remembered).
 *
 * @example
 * ```ts
 * const password = new Secret('hunter2');
 * console.log({ password }); // { password: [secret] }
 * login(password.reveal());
 * ```
 */
export class Secret<T extends string = string> {
  readonly #value: T;

  constructor(value: T) {
    this.#value = value;
    registerSecret(this, value);
  }

  /** The value. Call it where the value is sent, never earlier. */
  reveal(): T {
    return this.#value;
  }

  /** `[secret]`. */
  toString(): string {
    return '[secret]';
  }

  /** `[secret]`. */
  toJSON(): string {
    return '[secret]';
  }

  /** `[secret]`, for `console.log` and `util.inspect`. */
  [inspect.custom](): string {
    return '[secret]';
  }
}
