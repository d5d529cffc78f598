import { useCallback, useRef } from 'react';

/**
 * Makes an idempotency key (UUID v4). `crypto.randomUUID` exists only in a secure context, and on a private network the
 * page may be opened over plain HTTP.
 */
export function newKey(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Gives equal requests the same key: whoever presses the button again after a lost answer does it only once. */
export function useRequestKey(): (request: unknown) => string {
  const sent = useRef({ request: '', key: '' });
  return useCallback((request) => {
    const text = JSON.stringify(request);
    if (sent.current.request !== text) sent.current = { request: text, key: newKey() };
    return sent.current.key;
  }, []);
}
