/** Sign-in: client credentials where the deployment serves OAuth, or a token as it is. */
import { html } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { discoverAuthorisationServer, tokenFor } from './session.js';

/** @param {{ onToken: (token: string) => void, reason: string }} props */
export function SignIn({ onToken, reason }) {
  const [server, setServer] = useState(
    /** @type {import('./session.js').AuthorisationServer | undefined} */ (undefined),
  );
  const [problem, setProblem] = useState(reason);
  useEffect(() => {
    discoverAuthorisationServer().then(setServer, () => {});
  }, []);

  const withCredentials = async (/** @type {any} */ event) => {
    event.preventDefault();
    const { client, secret } = event.target.elements;
    try {
      if (server !== undefined) onToken(await tokenFor(server, client.value.trim(), secret.value));
    } catch (error) {
      setProblem(/** @type {Error} */ (error).message);
    }
  };
  const withToken = (/** @type {any} */ event) => {
    event.preventDefault();
    const token = event.target.elements.token.value.trim();
    if (token !== '') onToken(token);
  };
  return html`<h2>Sign in</h2>
    <p class="bad" role="alert">${problem}</p>
    ${
      server &&
      html`<form class="card" onSubmit=${withCredentials}>
      <h3>With client credentials</h3>
      <label for="client">Client</label><input id="client" name="client" autocomplete="username" required />
      <label for="secret">Secret</label><input id="secret" name="secret" type="password" autocomplete="current-password" required />
      <div><button type="submit">Sign in</button></div>
    </form>`
    }
    <form class="card" onSubmit=${withToken}>
      <h3>With a token</h3>
      <label for="token">Token</label>
      <textarea id="token" name="token" rows="4" spellcheck="false" aria-describedby="token-help" required></textarea>
      <div id="token-help" class="soft">One line from <code>npx sluice token --client NAME</code>. It stays in this tab.</div>
      <button type="submit">Use token</button>
    </form>`;
}
