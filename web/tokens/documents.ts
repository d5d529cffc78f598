import { graphql, type ResultOf } from '../graphql.ts';

export const Tokens = graphql(`
  query Tokens {
    tokens {
      id
      kind
      name
      role
      agent
      createdBy
      createdAt
      expiresAt
      usedAt
      revokedAt
    }
    viewer {
      tokenId
    }
  }
`);

export const CreateToken = graphql(`
  mutation CreateToken($name: String!, $role: Role!, $expiresInDays: Int) {
    createToken(name: $name, role: $role, expiresInDays: $expiresInDays) {
      secret
      token {
        id
        name
      }
    }
  }
`);

export const RevokeToken = graphql(`
  mutation RevokeToken($id: ID!) {
    revokeToken(id: $id) {
      id
    }
  }
`);

export type Token = ResultOf<typeof Tokens>['tokens'][number];
export type Role = NonNullable<Token['role']>;
