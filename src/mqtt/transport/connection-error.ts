import { SmolvlmError } from '../../errors';

/** A failed attempt to connect. */
export interface ConnectionFailure {
  readonly error: SmolvlmError;
  /** Whether no later attempt can succeed with the same settings. */
  readonly permanent: boolean;
}

interface Kind {
  readonly code: string;
  readonly permanent: boolean;
  readonly hint?: string;
}

const unreachable: Kind = {
  code: 'mqtt-broker-unreachable',
  permanent: false,
  hint: 'Check that the broker is running and that its address and port are right.',
};
const unavailable: Kind = { code: 'mqtt-broker-unavailable', permanent: false };
const address: Kind = {
  code: 'mqtt-broker-address',
  permanent: true,
  hint: "Check the broker's host name.",
};
const version: Kind = {
  code: 'mqtt-broker-version',
  permanent: true,
  hint: 'Choose MQTT 3.1.1 for this broker: --mqtt-version 4, or Protocol in the dialog of the broker.',
};
const login: Kind = {
  code: 'mqtt-broker-login',
  permanent: true,
  hint: 'Check user and password, and what the broker allows this user.',
};
const protocol: Kind = {
  code: 'mqtt-broker-protocol',
  permanent: true,
  hint: 'Check the port, usually 1883, or 8883 with mqtts://. A broker for MQTT 3.1.1 only needs --mqtt-version 4.',
};
const certificate: Kind = {
  code: 'mqtt-broker-certificate',
  permanent: true,
  hint: 'Use the host name that the certificate is made for. For your own certificate authority set NODE_EXTRA_CA_CERTS.',
};

/** By the reason code of a refused connection: those of MQTT 3.1.1 are below 128. */
const byReason: ReadonlyMap<number, Kind> = new Map([
  [1, version],
  [4, login],
  [5, login],
  [0x84, version],
  [0x86, login],
  [0x87, login],
  [0x8a, login],
  [0x8c, login],
]);

/**
 * What an error of an mqtt.js client says about the connection.
 * @param accepted whether the broker has accepted a connection before: then nothing is permanent
 */
export function connectionFailure(
  broker: string,
  { message, code }: Error & { readonly code?: number | string },
  accepted: boolean,
): ConnectionFailure {
  const { hint, ...kind } = kindOf(message, code, accepted);
  const text = `the MQTT broker ${broker} cannot be used: ${message || code}`;
  return {
    error: new SmolvlmError(kind.code, text, hint === undefined ? {} : { hint }),
    permanent: kind.permanent && !accepted,
  };
}

function kindOf(message: string, code: number | string | undefined, accepted: boolean): Kind {
  if (typeof code === 'number') return byReason.get(code) ?? unavailable;
  if (code === 'ENOTFOUND') return address;
  if (code === undefined) return accepted || /timeout/i.test(message) ? unreachable : protocol;
  if (/^ERR_SSL|EPROTO/.test(code)) return protocol;
  return /CERT|ERR_TLS|SIGNATURE/.test(code) ? certificate : unreachable;
}
