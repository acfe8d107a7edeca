/** Where what concerns a client lies on clients-1. A client id holds no '/', so none of these can be one. */

/** Followed by a token's id (client.v1m0.Revocation). */
export const REVOKED_TOKEN_KEY = 'revoked-token/';
/** Followed by a client's id (client.v1m0.Revocation). */
export const REVOKED_CLIENT_KEY = 'revoked-client/';
