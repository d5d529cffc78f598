import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** `gph_<kind>_<id>_<secret>`: the id finds the row, 256 random bits prove it. Only their hash is stored. */
export type TokenKind = 'USER' | 'JOIN' | 'AGENT';

const PATTERN = /^gph_(user|join|agent)_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

export function createSecret(): { secret: string; hash: string } {
  const secret = randomBytes(32).toString('base64url');
  return { secret, hash: hashOf(secret) };
}

export function toToken(kind: TokenKind, id: string, secret: string): string {
  return `gph_${kind.toLowerCase()}_${id.replaceAll('-', '')}_${secret}`;
}

export function fromToken(token: string): { kind: TokenKind; id: string; secret: string } | undefined {
  const match = PATTERN.exec(token);
  if (!match) return undefined;
  const [, kind = '', hex = '', secret = ''] = match;
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  return { kind: kind.toUpperCase() as TokenKind, id, secret };
}

export function isSecretOf(secret: string, hash: string): boolean {
  return timingSafeEqual(Buffer.from(hashOf(secret), 'hex'), Buffer.from(hash, 'hex'));
}

const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex');
