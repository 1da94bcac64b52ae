// Logins of single cameras, as credentials of the node: Node-RED encrypts them and leaves them out of exported flows.
// Credentials have fixed names, so there is one pair for each of the cameras that a node serves at most. A camera of the
// dialog holds the number of its pair.

/** As many as cameras: `mostCameras` of src/mqtt. */
export const mostLogins = 64;

export interface CameraLogin {
  readonly user: string;
  readonly password: string;
}

export type CredentialTypes = Readonly<Record<string, { readonly type: 'text' | 'password' }>>;

export const userCredential = (login: number): string => `user${login}`;
export const passwordCredential = (login: number): string => `password${login}`;

/** For `registerType`, in the runtime and in the editor. */
export const cameraCredentials: CredentialTypes = Object.fromEntries(
  Array.from({ length: mostLogins }, (_, index) => index + 1).flatMap((login) => [
    [userCredential(login), { type: 'text' }],
    [passwordCredential(login), { type: 'password' }],
  ]),
);

/** The smallest number that is free. @returns undefined when all are in use */
export function freeLogin(used: ReadonlySet<number>): number | undefined {
  for (let login = 1; login <= mostLogins; login++) {
    if (!used.has(login)) return login;
  }
  return undefined;
}
