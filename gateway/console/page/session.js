/** Who the person is: a token, kept for this tab alone, pasted or asked for with client credentials. */
import { problemOf } from './problem.js';

const KEY = 'sluice.token';

export const readToken = () => sessionStorage.getItem(KEY);
export const forgetToken = () => sessionStorage.removeItem(KEY);

/** @param {string} token */
export function keepToken(token) {
  sessionStorage.setItem(KEY, token);
}

/**
 * @typedef {{ token_endpoint: string }} AuthorisationServer
 * @returns {Promise<AuthorisationServer | undefined>} undefined where this deployment serves none (RFC 8414)
 */
export async function discoverAuthorisationServer() {
  const response = await fetch('/.well-known/oauth-authorization-server');
  return response.ok ? response.json() : undefined;
}

/**
 * Client credentials give a token that says who asks; exchanging it (RFC 8693) gives one that says what they may do.
 *
 * @param {AuthorisationServer} server
 * @param {string} client
 * @param {string} secret
 * @returns {Promise<string>}
 */
export async function tokenFor(server, client, secret) {
  const authentication = await grant(server, client, secret, { grant_type: 'client_credentials' });
  return grant(server, client, secret, {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: authentication,
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
  });
}

/**
 * @param {AuthorisationServer} server
 * @param {string} client
 * @param {string} secret
 * @param {Record<string, string>} form
 */
async function grant(server, client, secret, form) {
  const credentials = btoa(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`);
  // Its path on this origin: behind a proxy the server may know itself by another name.
  const response = await fetch(new URL(server.token_endpoint, location.href).pathname, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams(form),
  });
  if (!response.ok) throw await problemOf(response);
  const { access_token } = await response.json();
  return access_token;
}
