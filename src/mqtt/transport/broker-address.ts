import { SmolvlmError } from '../../errors';
import { defined } from '../../system/defined';
import { shownAddress } from '../../system/shown-address';

const schemes = ['mqtt:', 'mqtts:', 'ws:', 'wss:'];

/** Where a broker is, and who connects. */
export interface BrokerAddress {
  /** Without user and password. */
  readonly url: string;
  /** Host and port, for messages. */
  readonly host: string;
  readonly user?: string;
  readonly password?: string;
}

/** @throws SmolvlmError `mqtt-broker-address` */
export function brokerAddress(text: string): BrokerAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !schemes.includes(url.protocol) || url.hostname === '') {
    throw new SmolvlmError(
      'mqtt-broker-address',
      `expected mqtt://host:port, received "${shownAddress(text)}"`,
      { hint: 'Write for example mqtt://user@broker.local:1883, or mqtts:// for an encrypted connection.' },
    );
  }
  const { host } = url;
  const [user, password] = [decoded(url.username, 'user', host), decoded(url.password, 'password', host)];
  url.username = '';
  url.password = '';
  return { url: url.href, host, ...defined({ user, password }) };
}

/** User or password of an address, where special characters are written as `%` and two hexadecimal digits. */
function decoded(text: string, part: 'user' | 'password', host: string): string | undefined {
  try {
    return decodeURIComponent(text) || undefined;
  } catch (cause) {
    throw new SmolvlmError(
      'mqtt-broker-address',
      `the ${part} in the address of the MQTT broker ${host} has a % without two hexadecimal digits after it`,
      { hint: 'Write % as %25 in an address, or put the password into a file: --mqtt-password-file.', cause },
    );
  }
}
