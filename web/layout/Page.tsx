import { type ReactNode, useEffect } from 'react';
import { Icon } from '../ui/Icon.tsx';
import { Link } from '../ui/Link.tsx';

type Props = {
  title: string;
  heading?: ReactNode;
  back?: { to: string; text: string };
  actions?: ReactNode;
  children: ReactNode;
};

/** The frame of a screen: its name in the browser's tab, its heading and its buttons. */
export function Page({ title, heading, back, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Graphium`;
  }, [title]);
  return (
    <>
      {back && (
        <Link to={back.to} className="back">
          <Icon name="back" /> {back.text}
        </Link>
      )}
      <div className="page-head">
        <h1>{heading ?? title}</h1>
        {actions && <div className="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}
