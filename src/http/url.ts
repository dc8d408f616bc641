/** Which URLs a client may talk to: its own origin, and nothing else. */
import { PlumbingError } from '../errors/index.ts';

const loopback = /^(localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/**
 * Checks a base URL: https, or http on a loopback address; no user-info.
 *
 * @throws PlumbingError `CONFIG_INVALID`. The message never repeats the URL, which may hold credentials.
 */
export function checkBaseUrl(baseUrl: string): URL {
  let url: URL;
  try {
    url = new URL(baseUrl);
  } catch {
    throw new PlumbingError('CONFIG_INVALID', 'the base URL is no URL; expected https://host[/path]');
  }
  if (url.username !== '' || url.password !== '') {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `the base URL of ${url.host} holds a user name or password; pass credentials on their own`,
    );
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback.test(url.hostname))) {
    throw new PlumbingError(
      'CONFIG_INVALID',
      `the base URL ${url.protocol}//${url.host} is not https; plain http is allowed on this machine only`,
    );
  }
  url.search = '';
  url.hash = '';
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url;
}

/**
 * The URL of a path or link. A path that begins with `/` starts at the origin, any other at the base path; an absolute
 * link must be of the same origin.
 *
 * @throws PlumbingError `LINK_ORIGIN` before anything is sent.
 */
export function resolveUrl(base: URL, path: string): URL {
  let url: URL;
  try {
    url = new URL(path, base);
  } catch {
    throw new PlumbingError('LINK_ORIGIN', `a link from ${base.host} is no URL; nothing was sent`);
  }
  if (url.origin !== base.origin || url.username !== '' || url.password !== '') {
    throw new PlumbingError(
      'LINK_ORIGIN',
      `a link from ${base.host} leads to another origin (${url.protocol}//${url.host}); nothing was sent there`,
    );
  }
  return url;
}
