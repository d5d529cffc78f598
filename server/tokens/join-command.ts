import { GraphiumError } from '../base/errors.ts';
import { isLoopback } from '../base/server-url.ts';

export function joinCommand(serverUrl: string, joinToken: string, name: string | null): string {
  return `npm run agent -- --server ${serverUrl} --join ${joinToken}${name === null ? '' : ` --name ${name}`}`;
}

/** Why an agent on another host may not get far with this address; null if nothing speaks against it. */
export function warningOf(serverUrl: string): string | null {
  const { protocol, hostname } = new URL(serverUrl);
  if (isLoopback(hostname)) {
    return `${hostname} is this machine alone: an agent on another host cannot reach it. Give "server" the address that the host reaches, or set GRAPHIUM_PUBLIC_URL; the server must listen there too (GRAPHIUM_HOST).`;
  }
  if (protocol === 'https:') return null;
  return "Over http:// the agent's token and its tasks travel in clear: give the server a certificate, or a proxy in front that has one.";
}

/** An address goes into a command for a shell, so it holds nothing that a shell reads in another way. */
const SERVER = /^https?:\/\/[\w.:[\]-]+(\/[\w./-]*)?$/;

/** @throws GraphiumError BAD_INPUT */
export function checkServer(text: string): string {
  if (SERVER.test(text) && URL.canParse(text)) return text.replace(/\/+$/, '');
  throw new GraphiumError('BAD_INPUT', `server: expected http(s)://host[:port], got ${JSON.stringify(text)}.`);
}
