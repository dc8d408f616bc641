/** Packages that only some uses need, installed by whoever needs them. */
import { PlumbingError } from './plumbing-error.ts';

/**
 * Loads an optional package.
 *
 * @throws PlumbingError `OPTIONAL_PEER_MISSING`, with the line that installs it.
 */
export async function loadPeer<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    // What the package itself lacks is another matter: its message says more than "install it".
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw cause;
    throw new PlumbingError(
      'OPTIONAL_PEER_MISSING',
      `this needs the package ${name}, which is optional; install it with: npm install ${name}`,
      { context: { package: name }, cause },
    );
  }
}
