import { isIP, isIPv6 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import { certificateFiles, checkNoCertificate, writeCertificate } from './certificate/certificate-files';
import { selfSignedCertificate } from './certificate/self-signed-certificate';
import { type Command, optionalInteger, optionalString, UsageError } from './command/command';

const defaultDays = 3650;

/** `smolvlm certificate`: makes a self-signed certificate for an engine on the network. */
export const command: Command = {
  summary: 'Make a self-signed certificate for smolvlm serve, and print its fingerprint',
  usage: [
    'certificate [--out DIR] [--name HOST …] [--days N] [--replace]',
    'Writes smolvlm-cert.pem and smolvlm-key.pem to DIR, the current folder by default, for smolvlm serve --tls-cert and --tls-key.',
    'The names are those of this machine, its addresses included, unless --name gives others.',
    `It is valid for ${defaultDays} days unless --days gives another number.`,
  ].join('\n'),
  options: {
    out: { type: 'string' },
    name: { type: 'string', multiple: true },
    days: { type: 'string' },
    replace: { type: 'boolean' },
  },
  async run(values, _positionals, io) {
    const dir = resolve(optionalString(values, 'out') ?? '.');
    const given = [values.name ?? []].flat().map(String);
    const names = given.length > 0 ? given.map(checkedName) : machineNames();
    const validDays = optionalInteger(values, 'days', 1, 36_500) ?? defaultDays;
    const files = certificateFiles(dir);
    if (values.replace !== true) await checkNoCertificate(files);
    const certificate = await selfSignedCertificate({ names, validFrom: new Date(), validDays });
    await writeCertificate(dir, files, certificate);
    const { certPath, keyPath } = files;
    const { fingerprint, validTo } = certificate;
    const until = validTo.toISOString().slice(0, 10);
    io.result(
      { cert: certPath, key: keyPath, fingerprint, names, validTo: validTo.toISOString() },
      [
        `${certPath} for ${names.join(', ')}, valid until ${until}`,
        `${keyPath}: keep it secret`,
        `SHA-256 fingerprint: ${fingerprint}`,
        `serve with it: smolvlm serve --host 0.0.0.0 --token-file FILE --tls-cert ${certPath} --tls-key ${keyPath}`,
        `enter as the engine's address: https://${isIPv6(names[0] ?? '') ? `[${names[0]}]` : names[0]}:8372/#sha256=${fingerprint}`,
      ].join('\n'),
    );
    return 0;
  },
};

/** @throws UsageError */
function checkedName(name: string): string {
  if (isIP(name) !== 0 || /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/.test(name)) return name;
  throw new UsageError(`--name: expected a host name or an IP address, received "${name}"`);
}

/** The name first that other machines on a home network resolve. */
function machineNames(): string[] {
  const host = hostname().replace(/\..*$/s, '');
  const addresses = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address }) => address);
  return [`${host}.local`, host, 'localhost', ...addresses, '127.0.0.1', '::1'];
}
