import { useState } from 'react';
import { useQuery } from 'urql';
import { toProblem } from '../errors.ts';
import { Page } from '../layout/Page.tsx';
import { ProblemAlert } from '../layout/Problem.tsx';
import { Button } from '../ui/Button.tsx';
import { Empty, Loading } from '../ui/Empty.tsx';
import { Icon } from '../ui/Icon.tsx';
import { useDenial } from '../viewer.ts';
import { CreateTokenDialog } from './CreateToken.tsx';
import { type Token, Tokens } from './documents.ts';
import { RevokeTokenDialog } from './RevokeToken.tsx';
import { TokenRow } from './TokenRow.tsx';

export function TokensScreen() {
  const denial = useDenial('ADMIN');
  if (denial) {
    return (
      <Page title="Tokens">
        <Empty title="Your token does not allow this">{denial}</Empty>
      </Page>
    );
  }
  return <TokenList />;
}

function TokenList() {
  const [{ data, error }, refresh] = useQuery({ query: Tokens });
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const close = () => {
    setCreating(false);
    setRevoking(null);
    refresh();
  };
  return (
    <Page
      title="Tokens"
      actions={
        <Button look="primary" onClick={() => setCreating(true)}>
          <Icon name="plus" /> Create a token
        </Button>
      }
    >
      {error && <ProblemAlert problem={toProblem(error)} again={refresh} />}
      {!data && !error && <Loading what="tokens" />}
      {data && (
        <ul className="panel rows">
          {data.tokens
            .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))
            .map((token) => (
              <TokenRow
                key={token.id}
                token={token}
                own={token.id === data.viewer.tokenId}
                onRevoke={() => setRevoking(token)}
              />
            ))}
        </ul>
      )}
      {creating && <CreateTokenDialog onClose={close} />}
      {revoking && <RevokeTokenDialog token={revoking} own={revoking.id === data?.viewer.tokenId} onClose={close} />}
    </Page>
  );
}
