import { nkeys } from '@nats-io/transport-node';

/** A server's configuration with accounts by JWT, and the credentials file of one user. */
export function jwtAccounts(): { readonly config: string; readonly credentials: string } {
  const operator = nkeys.createOperator();
  const [system, account] = [nkeys.createAccount(), nkeys.createAccount()];
  const user = nkeys.createUser();
  const claims = (type: string, more: object = {}): object => ({ ...more, type, version: 2 });
  const unlimited = { subs: -1, data: -1, payload: -1 };
  const limits = { ...unlimited, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const stores = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const systemJwt = signed(operator, system, 'system', claims('account', { limits }));
  const accountJwt = signed(
    operator,
    account,
    'cameras',
    claims('account', { limits: { ...limits, ...stores } }),
  );
  const userJwt = signed(account, user, 'hub', claims('user', { pub: {}, sub: {}, ...unlimited }));
  const config = [
    `operator: "${signed(operator, operator, 'test', claims('operator'))}"`,
    `system_account: ${system.getPublicKey()}`,
    'resolver: MEMORY',
    `resolver_preload: { ${system.getPublicKey()}: "${systemJwt}", ${account.getPublicKey()}: "${accountJwt}" }`,
  ].join('\n');
  const part = (name: string, content: string): string =>
    `-----BEGIN ${name}-----\n${content}\n------END ${name}------\n`;
  const seed = Buffer.from(user.getSeed()).toString('utf8');
  return { config, credentials: `${part('NATS USER JWT', userJwt)}\n${part('USER NKEY SEED', seed)}` };
}

interface Key {
  getPublicKey(): string;
  sign(bytes: Uint8Array): Uint8Array;
}

function signed(issuer: Key, subject: Key, name: string, nats: object): string {
  const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const about = { jti: 'test', iat: Math.floor(Date.now() / 1000), name };
  const claims = { ...about, iss: issuer.getPublicKey(), sub: subject.getPublicKey(), nats };
  const text = `${encoded({ typ: 'JWT', alg: 'ed25519-nkey' })}.${encoded(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString('base64url')}`;
}
