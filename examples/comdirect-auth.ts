/** Logs in by hand, refreshes the token once, and logs out. Configuration: the COMDIRECT_* variables. */
import {
  authenticateUserCredentials,
  getSessionId,
  loadComdirectConfig,
  refreshToken,
  revokeToken,
} from 'plumbing-core/sources/comdirect';

const config = loadComdirectConfig();
const token = await authenticateUserCredentials(config, {
  sessionId: getSessionId(),
  onChallenge: async ({ type, action }) => {
    if (action !== 'approve') throw new Error(`this example knows push TANs only, not ${type}`);
    console.log('Please approve the login in the photoTAN app.');
  },
});
console.log('Logged in; the token must be refreshed within', token.expiresIn, 'seconds.');

const fresh = await refreshToken(config, token);
console.log('Refreshed:', fresh.bearerAccessToken !== token.bearerAccessToken);

await revokeToken(config, fresh);
console.log('Logged out.');
