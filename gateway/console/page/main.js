/** The console: one page, three views, a token. */
import { html, render } from 'htm/preact';
import { useEffect, useState } from 'preact/hooks';
import { ImagesView } from './images-view.js';
import { OperatorView } from './operator-view.js';
import { forgetToken, keepToken, readToken } from './session.js';
import { SignIn } from './sign-in.js';
import { StreamView } from './stream-view.js';

const VIEWS = { images: 'Images', stream: 'Stream', operator: 'Operator' };

function App() {
  const [view, setView] = useState(viewOfAddress);
  const [token, setToken] = useState(readToken);
  const [reason, setReason] = useState('');
  useEffect(() => {
    const onChange = () => {
      setView(viewOfAddress());
      document.getElementById('main')?.focus();
    };
    addEventListener('hashchange', onChange);
    return () => removeEventListener('hashchange', onChange);
  }, []);

  const signIn = (/** @type {string} */ fresh) => {
    keepToken(fresh);
    setReason('');
    setToken(fresh);
  };
  const signOut = (/** @type {string} */ why) => {
    forgetToken();
    setReason(why);
    setToken(null);
  };
  // The operator's view works without a token too: then it shows only what /readyz and /metrics serve to everyone who can reach them.
  const shown =
    view === 'operator'
      ? html`<${OperatorView} token=${token} />`
      : token === null
        ? html`<${SignIn} key=${reason} onToken=${signIn} reason=${reason} />`
        : view === 'images'
          ? html`<${ImagesView} token=${token} onRefused=${signOut} />`
          : html`<${StreamView} token=${token} />`;
  return html`<a class="skip" href="#main" onClick=${skipToMain}>Skip to content</a>
    <header>
      <h1>Sluice console</h1>
      <nav aria-label="Views">
        ${Object.entries(VIEWS).map(([name, title]) => html`<a key=${name} href=${`#${name}`} aria-current=${name === view ? 'page' : undefined}>${title}</a>`)}
      </nav>
      ${token !== null && html`<button class="quiet" type="button" onClick=${() => signOut('')}>Sign out</button>`}
    </header>
    <main id="main" tabindex="-1">${shown}</main>`;
}

/** @returns {keyof typeof VIEWS} */
function viewOfAddress() {
  const name = location.hash.slice(1);
  return name in VIEWS ? /** @type {keyof typeof VIEWS} */ (name) : 'images';
}

/** Not by the link itself: the part behind the # names the view. @param {Event} event */
function skipToMain(event) {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

const place = document.getElementById('app');
if (place !== null) render(html`<${App} />`, place);
