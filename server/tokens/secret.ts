import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A token reads `gph_<kind>_<id>_<secret>`: the id finds its row, and 256 random bits, stored as a hash only, prove it. */
export type TokenKind = 'USER' | 'JOIN' | 'AGENT';

const TOKEN_FORM = /^gph_(user|join|agent)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;
const UUID_PARTS = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;
const SECRET_BYTES = 32;

export const createSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url');

/** Tells whether a text has the form of a secret: 256 bits as base64url. */
export const isSecret = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text);

export function toToken(kind: TokenKind, id: string, secret: string): string {
  return `gph_${kind.toLowerCase()}_${id.replaceAll('-', '')}_${secret}`;
}

export function fromToken(token: string): { kind: TokenKind; id: string; secret: string } | undefined {
  const match = TOKEN_FORM.exec(token);
  if (!match) return undefined;
  const [, kind = '', hex = '', secret = ''] = match;
  const id = hex.replace(UUID_PARTS, '$1-$2-$3-$4-$5');
  return { kind: kind.toUpperCase() as TokenKind, id, secret };
}

export function isSecretOf(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(secret), 'hex'), Buffer.from(hash, 'hex'));
}

export const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');
