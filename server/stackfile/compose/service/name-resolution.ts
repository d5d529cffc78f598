/** How a Compose service resolves names: `dns`, `dns_search`, `dns_opt` and `extra_hosts`. */
import { toAddress } from '../../../spec/addresses.ts';
import type { ContainerSpec } from '../../../spec/spec.ts';
import { quote } from '../../problems.ts';
import type { Place } from '../../reader.ts';
import { compact, orAbsent } from '../compact.ts';
import type { ComposeFields, ComposeReader } from '../reader.ts';

export const NAME_RESOLUTION_KEYS = ['dns', 'dns_search', 'dns_opt', 'extra_hosts'];

export function readNameResolution(service: ComposeFields): Partial<ContainerSpec> {
  return compact({
    dns: orAbsent(readServers(service.get('dns'))),
    dnsSearch: orAbsent(service.get('dns_search').texts('a domain')),
    dnsOptions: orAbsent(service.get('dns_opt').texts('an option such as use-vc')),
    extraHosts: orAbsent(readHosts(service.get('extra_hosts'))),
  });
}

function readServers(value: ComposeReader): string[] {
  const items = value.kind === 'list' ? value.items : [value];
  return items.flatMap((item) => readIp(item, 'the IP address of a server') ?? []);
}

export function readIp(value: ComposeReader, expected = 'an IP address'): string | undefined {
  const text = value.text(expected);
  return text === undefined || toAddress(text) ? text : value.misread(expected);
}

const HOST_FORM = '"host=ip" or "host:ip"';

/** A list of `host=ip` or `host:ip`, or a map whose values are an address or a list of them. */
function readHosts(value: ComposeReader): string[] | undefined {
  if (value.kind === 'object') return value.entries.flatMap(({ key, value: hosts }) => readAddresses(hosts, key));
  return value.list(`a list of ${HOST_FORM}, or a map {host: ip}`)?.flatMap(readHostLine);
}

function readAddresses(value: ComposeReader, host: string): string[] {
  const items = value.kind === 'list' ? value.items : [value];
  return items.flatMap((item) => {
    const text = item.text('an IP address');
    return text === undefined ? [] : toHost(item, host, text);
  });
}

function readHostLine(item: ComposeReader): string[] {
  const text = item.text(HOST_FORM);
  if (text === undefined) return [];
  const sign = text.includes('=') ? text.indexOf('=') : text.indexOf(':');
  if (sign <= 0) return item.misread(HOST_FORM) ?? [];
  const addresses = text.slice(sign + 1).split(',');
  return addresses.map((address) => toHost(item, text.slice(0, sign), address));
}

function toHost(place: Place, host: string, written: string): string {
  const address = /^\[(.*)\]$/.exec(written)?.[1] ?? written;
  if (!/^[^\s:=]+$/.test(host)) place.report('INVALID_VALUE', `expected a host name, found ${quote(host)}`);
  if (address !== 'host-gateway' && !toAddress(address)) {
    const message = `expected an IP address or host-gateway for ${quote(host)}, found ${quote(written)}`;
    place.report('INVALID_VALUE', message);
  }
  return `${host}:${address}`;
}
