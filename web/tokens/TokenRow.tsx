import { useNow } from '../clock.ts';
import type { Tone } from '../tone.ts';
import { Badge } from '../ui/Badge.tsx';
import { Button } from '../ui/Button.tsx';
import { TimeAgo } from '../ui/Time.tsx';
import { ROLES } from '../words.ts';
import type { Token } from './documents.ts';

const KINDS: Record<Token['kind'], string> = { USER: 'User', JOIN: 'Join', AGENT: 'Agent' };

export function TokenRow({ token, own, onRevoke }: { token: Token; own: boolean; onRevoke: () => void }) {
  const state = toState(token, useNow());
  return (
    <li className="token-row">
      <div>
        <span className="row-name">
          {token.name} {own && <span className="chip">this session</span>}
        </span>
        <span className="muted small">
          created <TimeAgo at={token.createdAt} /> by {token.createdBy}
        </span>
      </div>
      <div className="small">
        {KINDS[token.kind]}
        {token.role && ` · ${ROLES[token.role].text}`}
        {token.agent && token.agent !== token.name && ` · ${token.agent}`}
      </div>
      <div className="badges">
        <Badge tone={state.tone}>{state.text}</Badge>
        <span className="muted small">
          <When token={token} usable={state.usable} />
        </span>
      </div>
      <div className="token-row-end">
        {state.usable && (
          <Button look="quiet" aria-label={`Revoke ${token.name}`} onClick={onRevoke}>
            Revoke
          </Button>
        )}
      </div>
    </li>
  );
}

function When({ token, usable }: { token: Token; usable: boolean }) {
  if (token.revokedAt) return <TimeAgo at={token.revokedAt} />;
  if (!usable && token.usedAt && token.kind === 'JOIN') return <TimeAgo at={token.usedAt} />;
  if (!token.expiresAt) return 'does not expire';
  return (
    <>
      {usable && 'expires '}
      <TimeAgo at={token.expiresAt} />
    </>
  );
}

function toState(token: Token, nowMs: number): { text: string; tone: Tone; usable: boolean } {
  if (token.revokedAt) return { text: 'Revoked', tone: 'bad', usable: false };
  if (token.kind === 'JOIN' && token.usedAt) return { text: 'Used', tone: 'idle', usable: false };
  if (token.expiresAt && Date.parse(token.expiresAt) <= nowMs) return { text: 'Expired', tone: 'idle', usable: false };
  return { text: 'Valid', tone: 'good', usable: true };
}
