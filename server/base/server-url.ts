import { networkInterfaces } from 'node:os';

/** The address of this server, for those who have to type it. */
export type PublicUrl = {
  /** No slash at the end. */
  url: string;
  /** Whether GRAPHIUM_PUBLIC_URL says so; otherwise it is a guess, and how a person got here is a better one. */
  isGiven: boolean;
};

/** @param origin how the caller reached this server, as far as that is known */
export function serverUrlFor({ url, isGiven }: PublicUrl, origin: string | undefined): string {
  if (isGiven || origin === undefined || isLoopback(new URL(origin).hostname)) return url;
  return origin;
}

const ORIGIN = /^https?:\/\/[\w.:[\]-]+$/;

/**
 * Tells how a client reached this server: browsers say it themselves, and of every other client it is the host that it
 * asked for. A proxy in front says whether that was over TLS. It is only ever shown to that same client.
 * @param url the request's address, with the scheme that this server itself speaks
 */
export function originOf(url: string, headers: Headers): string | undefined {
  const { protocol, host } = new URL(url);
  const forwarded = headers.get('x-forwarded-proto')?.split(',')[0]?.trim();
  const scheme = forwarded === 'https' || forwarded === 'http' ? `${forwarded}:` : protocol;
  const origin = headers.get('origin') ?? `${scheme}//${host}`;
  return ORIGIN.test(origin) && URL.canParse(origin) ? origin : undefined;
}

export const isLoopback = (hostname: string): boolean =>
  /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(hostname);

/** Networks of containers and virtual machines: no other host is in them. */
const VIRTUAL = /^(docker|br-|veth|virbr|cni|podman|lxc|lxd|vmnet|vboxnet)/;

/** Returns the address of this machine that other hosts most likely reach. */
export function machineAddress(interfaces = networkInterfaces()): string | undefined {
  const real = Object.entries(interfaces).filter(([name]) => !VIRTUAL.test(name));
  const addresses = real.flatMap(([, each]) => each ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
}
