import type { AnchorHTMLAttributes } from 'react';
import { useLink } from '../router.ts';

export function Link({
  to,
  children,
  ...rest
}: Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & { to: string }) {
  return (
    <a {...rest} {...useLink(to)}>
      {children}
    </a>
  );
}
