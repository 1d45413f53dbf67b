// The credential of every request: the field's, in the memory of this page and
// nowhere else, so that closing or reloading it forgets. Storage would outlast it.

import { element } from "./dom.js";

/** What a token may be made of (RFC 6750 §2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/;

/** The header that carries the token, if there is one. */
export function authorization() {
  const token = element("token").value.trim();
  if (token === "") return {};
  if (!TOKEN.test(token)) throw new BadToken("the token has a character that none may have");
  return { Authorization: `Bearer ${token}` };
}

/** What cannot be sent; its message may be shown. */
export class BadToken extends Error {}
