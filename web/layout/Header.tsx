import type { Route } from '../router.ts';
import { signOut } from '../session.ts';
import { Button } from '../ui/Button.tsx';
import { Icon, Logo } from '../ui/Icon.tsx';
import { Link } from '../ui/Link.tsx';
import { useViewer } from '../viewer.ts';
import { ROLES } from '../words.ts';

const SECTIONS: { to: string; text: string; screens: Route['screen'][] }[] = [
  { to: '/', text: 'Stacks', screens: ['stacks', 'stack', 'deploy', 'adopt'] },
  { to: '/deployments', text: 'Deployments', screens: ['deployments', 'deployment'] },
  { to: '/agents', text: 'Agents', screens: ['agents'] },
  { to: '/tokens', text: 'Tokens', screens: ['tokens'] },
];

export function Header({ screen }: { screen: Route['screen'] }) {
  const viewer = useViewer();
  const sections = viewer.role === 'ADMIN' ? SECTIONS : SECTIONS.filter((section) => section.to !== '/tokens');
  return (
    <header className="top">
      <Link to="/" className="brand" aria-label="Graphium, all stacks">
        <Logo />
        <span>Graphium</span>
      </Link>
      <nav className="sections" aria-label="Sections">
        {sections.map((section) => (
          <Link key={section.to} to={section.to} aria-current={section.screens.includes(screen) ? 'page' : undefined}>
            {section.text}
          </Link>
        ))}
        <a href="/graphql" target="_blank" rel="noreferrer">
          GraphiQL <Icon name="external" />
          <span className="visually-hidden">(opens in a new tab)</span>
        </a>
      </nav>
      <div className="who">
        <span
          className="who-name"
          title={viewer.role ? `${ROLES[viewer.role].text}: ${ROLES[viewer.role].hint}` : undefined}
        >
          {viewer.name} {viewer.role && <span className="chip">{ROLES[viewer.role].text}</span>}
        </span>
        <Button look="quiet" onClick={() => signOut()}>
          Sign out
        </Button>
      </div>
    </header>
  );
}
