/** The base URL of a server, as a program or a person gives it. */

/** @returns the URL, to which paths can be added @throws {TypeError} it could not be a server's: trying it would not help */
export function serverUrl(url: string): string {
  if (!/^https?:/i.test(url) || !URL.canParse(url)) {
    throw new TypeError(`url is the address of a server, such as http://127.0.0.1:8080, not '${url}'`);
  }
  return url.replace(/\/+$/, '');
}
