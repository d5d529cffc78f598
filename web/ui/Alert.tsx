import type { ReactNode } from 'react';

type Props = {
  tone: 'bad' | 'warn' | 'info' | 'good';
  title: string;
  code?: string;
  children?: ReactNode;
  actions?: ReactNode;
};

/** A screen reader reads a bad alert at once, and any other when it is idle. */
export function Alert({ tone, title, code, children, actions }: Props) {
  return (
    <div className={`alert alert-${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      <p className="alert-title">
        {title} {code && <code className="code-chip">{code}</code>}
      </p>
      {children && <div className="alert-body">{children}</div>}
      {actions && <div className="actions">{actions}</div>}
    </div>
  );
}
