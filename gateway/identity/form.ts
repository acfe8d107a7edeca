/** The body of an OAuth request: a form in which no field may come twice (RFC 6749, 3.2). */
import { OAuthError } from './oauth-error.ts';

export const FORM_MEDIA_TYPE = 'application/x-www-form-urlencoded';

export type Form = ReadonlyMap<string, string>;

/** @throws {OAuthError} */
export function parseForm(body: string): Form {
  const form = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(body)) {
    if (form.has(name)) throw new OAuthError('invalid_request', `the field ${quoted(name)} comes twice`);
    // Sent without a value a field counts as not sent.
    if (value !== '') form.set(name, value);
  }
  return form;
}

/** @throws {OAuthError} */
export function field(form: Form, name: string): string {
  const value = form.get(name);
  if (value === undefined) throw new OAuthError('invalid_request', `the field '${name}' is missing`);
  return value;
}

function quoted(name: string): string {
  return `'${name.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')}'`;
}
