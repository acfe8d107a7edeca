/** How clients are named, in tokens and as keys of records. */

const CLIENT_ID = /^[A-Za-z0-9._~-]{1,128}$/;

/** 1 to 128 unreserved characters of a URI (RFC 3986). */
export function isClientId(text: string): boolean {
  return CLIENT_ID.test(text);
}
