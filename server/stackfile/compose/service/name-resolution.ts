/** How a Compose service resolves names: `dns`, `dns_search`, `dns_opt` and `extra_hosts`. */
import { toAddress } from '../../../spec/addresses.ts';
import type { ContainerSpec } from '../../../spec/spec.ts';
import { type Fields, wrongType } from '../../fields.ts';
import { quote, type Report, type Spot, type Value } from '../../text.ts';
import { compact, orAbsent } from '../keys.ts';
import { misread, readText, readTexts } from '../scalars.ts';

export const NAME_WORDS = ['dns', 'dns_search', 'dns_opt', 'extra_hosts'];

export function readNameResolution(report: Report, service: Fields): Partial<ContainerSpec> {
  return compact({
    dns: orAbsent(readServers(report, service.get('dns'))),
    dnsSearch: orAbsent(readTexts(report, service.get('dns_search'), 'a domain')),
    dnsOptions: orAbsent(readTexts(report, service.get('dns_opt'), 'an option such as use-vc')),
    extraHosts: orAbsent(readHosts(report, service.get('extra_hosts'))),
  });
}

function readServers(report: Report, value: Value | undefined): string[] | undefined {
  const items = value?.kind === 'list' ? value.items : value ? [value] : undefined;
  return items?.flatMap((item) => {
    const text = readText(report, item, 'the IP address of a server');
    if (text === undefined) return [];
    return toAddress(text) ? text : (misread(report, item, 'the IP address of a server') ?? []);
  });
}

const HOST_FORM = '"host=ip" or "host:ip"';

/** A list of `host=ip` or `host:ip`, or a map whose values are an address or a list of them. */
function readHosts(report: Report, value: Value | undefined): string[] | undefined {
  if (value === undefined) return undefined;
  if (value.kind === 'object') {
    return value.fields.flatMap((field) => {
      const items = field.value.kind === 'list' ? field.value.items : [field.value];
      return items.flatMap((item) => {
        const text = readText(report, item, 'an IP address');
        return text === undefined ? [] : toHost(report, item, field.key, text);
      });
    });
  }
  if (value.kind !== 'list') return wrongType(report, value, `a list of ${HOST_FORM}, or a map {host: ip}`);
  return value.items.flatMap((item) => {
    const text = readText(report, item, HOST_FORM);
    const sign = text === undefined ? -1 : text.includes('=') ? text.indexOf('=') : text.indexOf(':');
    if (text === undefined) return [];
    if (sign <= 0) return misread(report, item, HOST_FORM) ?? [];
    const addresses = text.slice(sign + 1).split(',');
    return addresses.flatMap((address) => toHost(report, item, text.slice(0, sign), address));
  });
}

function toHost(report: Report, spot: Spot, host: string, written: string): string[] {
  const address = /^\[(.*)\]$/.exec(written)?.[1] ?? written;
  if (!/^[^\s:=]+$/.test(host)) report('INVALID_VALUE', spot, `expected a host name, found ${quote(host)}`);
  if (address !== 'host-gateway' && !toAddress(address)) {
    report('INVALID_VALUE', spot, `expected an IP address or host-gateway for ${quote(host)}, found ${quote(written)}`);
  }
  return [`${host}:${address}`];
}
