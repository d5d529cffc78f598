import { useEffect, useState } from 'react';
import { Provider, useQuery } from 'urql';
import { AgentsScreen } from '../agents/Agents.tsx';
import { createConnection } from '../client.ts';
import { DeployScreen } from '../deploy/DeployScreen.tsx';
import { DropProvider } from '../deploy/DropProvider.tsx';
import { DeploymentScreen } from '../deployment/Deployment.tsx';
import { DeploymentsScreen } from '../deployments/Deployments.tsx';
import { isPassing, toProblem } from '../errors.ts';
import { Banner } from '../layout/Banner.tsx';
import { Header } from '../layout/Header.tsx';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { type Route, useRoute } from '../router.ts';
import { session } from '../session.ts';
import { SignIn } from '../signin/SignIn.tsx';
import type { Socket } from '../socket.ts';
import { StackScreen } from '../stack/Stack.tsx';
import { StacksScreen } from '../stacks/Stacks.tsx';
import { useStore } from '../store.ts';
import { TokensScreen } from '../tokens/Tokens.tsx';
import { Announcer } from '../ui/announce.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { Toasts } from '../ui/Toasts.tsx';
import { ViewerContext, ViewerQuery } from '../viewer.ts';

export function App() {
  const current = useStore(session);
  if (current.token === null) return <SignIn message={current.message} />;
  return <SignedIn key={current.token} token={current.token} />;
}

function SignedIn({ token }: { token: string }) {
  const [connection] = useState(() => createConnection(token));
  useEffect(() => connection.close, [connection]);
  return (
    <Provider value={connection.client}>
      <Shell socket={connection.socket} />
    </Provider>
  );
}

const AGAIN_MS = 2_000;

function Shell({ socket }: { socket: Socket }) {
  const route = useRoute();
  const [{ data, error }, execute] = useQuery({ query: ViewerQuery });
  const problem = error ? toProblem(error) : null;
  const passing = problem !== null && isPassing(problem);
  useEffect(() => {
    if (!passing) return;
    const timer = setInterval(() => execute(), AGAIN_MS);
    return () => clearInterval(timer);
  }, [passing, execute]);
  if (!data) {
    return (
      <main className="screen">
        {problem ? <ProblemAlert problem={problem} again={execute} /> : <Loading what="Graphium" />}
      </main>
    );
  }
  return (
    <ViewerContext value={data.viewer}>
      <DropProvider>
        <a className="skip" href="#content">
          Skip to the content
        </a>
        <Header screen={route.screen} />
        <Banner socket={socket} />
        <main id="content" className="screen" tabIndex={-1}>
          <Screen route={route} />
        </main>
        <Toasts />
        <Announcer />
      </DropProvider>
    </ViewerContext>
  );
}

function Screen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'stacks':
      return <StacksScreen />;
    case 'stack':
      return <StackScreen key={route.name} name={route.name} />;
    case 'deploy':
      return <DeployScreen key={window.location.pathname} stack={route.stack} revision={route.revision} />;
    case 'adopt':
      return <DeployScreen key={window.location.pathname} stack={route.stack} revision={null} adopt />;
    case 'deployments':
      return <DeploymentsScreen />;
    case 'deployment':
      return <DeploymentScreen key={route.id} id={route.id} />;
    case 'agents':
      return <AgentsScreen />;
    case 'tokens':
      return <TokensScreen />;
    case 'unknown':
      return (
        <Page title="Not found" back={{ to: '/', text: 'Stacks' }}>
          <Empty title="There is no such page">{route.path}</Empty>
        </Page>
      );
  }
}
