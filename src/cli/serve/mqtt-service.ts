import { readFileSync } from 'node:fs';
import type { EngineAddress } from '../../client/engine-address';
import { EngineClient } from '../../client/engine-client';
import { SmolvlmError } from '../../errors';
import { DescribeService } from '../../mqtt/describe-service';
import { DescribeTopics } from '../../mqtt/describe-topics';
import type { ServiceSettings } from '../../mqtt/service-settings';
import { type BrokerAddress, brokerAddress } from '../../mqtt/transport/broker-address';
import { MqttJsTransport } from '../../mqtt/transport/mqttjs-transport';
import { packageVersion } from '../../package-version';
import { defined } from '../../system/defined';
import { shownText } from '../../system/shown-address';
import { fillPrompt } from '../../template/prompt-template';
import { type OptionValues, optionalChoice, optionalString, UsageError } from '../command/command';
import { mqttConfig } from './mqtt-config';

export interface MqttServiceOptions {
  readonly broker: BrokerAddress;
  readonly protocolVersion: 4 | 5;
  readonly settings: ServiceSettings;
}

/** @throws UsageError without `--mqtt`; SmolvlmError `mqtt-broker-address`, `mqtt-password`, and what `mqttConfig` throws */
export function mqttOptions(values: OptionValues): MqttServiceOptions {
  const broker = optionalString(values, 'mqtt');
  const version = optionalChoice(values, 'mqtt-version', ['4', '5']);
  const config = optionalString(values, 'mqtt-config');
  const passwordFile = optionalString(values, 'mqtt-password-file');
  if (broker === undefined) throw new UsageError('--mqtt is missing', 'Give the broker: --mqtt mqtt://HOST');
  return {
    broker: {
      ...brokerAddress(broker),
      ...defined({ password: passwordFile === undefined ? undefined : readPassword(passwordFile) }),
    },
    protocolVersion: version === '4' ? 4 : 5,
    settings: mqttConfig(config, values['allow-image-urls'] === true),
  };
}

export interface MqttService {
  /** Rejects when the broker can never be used with these options; pending otherwise. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

/**
 * Describes over MQTT with the engine of this process. A broker that cannot be reached is tried again; one that refuses
 * the login or the protocol, or whose name does not exist, ends the service unless it has accepted a connection before.
 */
export function startMqttService(
  options: MqttServiceOptions,
  address: EngineAddress,
  log: (line: string) => void,
): MqttService {
  const { broker, protocolVersion, settings } = options;
  const topics = new DescribeTopics(settings.base);
  let lastLine = '';
  let fail: (error: SmolvlmError) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const transport = new MqttJsTransport({
    broker,
    protocolVersion,
    will: { topic: topics.availability, payload: 'offline', qos: settings.qos, retain: true },
    onFailure: ({ error, permanent }) => {
      if (permanent) fail(error);
      // The same reason comes every few seconds while the broker is away.
      const line = `${error.message} [${error.code}]`;
      if (line !== lastLine && !permanent) log(shownText(line));
      lastLine = line;
    },
  });
  transport.onConnected(() => {
    lastLine = '';
    log(`connected to the MQTT broker ${broker.host}: ${topics.describeFilter}`);
  });
  const engine = new EngineClient(address);
  const service = new DescribeService({
    transport,
    engine,
    settings,
    version: packageVersion(),
    fillPrompt,
    onTrouble: ({ message, code }) => log(shownText(`${message} [${code}]`)),
    onAnswer: ({ camera }, answer) => {
      if (answer.kind !== 'error') return;
      log(shownText(`camera "${camera}": ${answer.error.message} [${answer.error.code}]`));
    },
  });
  service.start();
  return {
    failed,
    close: async () => {
      await service.close();
      await engine.close();
    },
  };
}

function readPassword(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    throw new SmolvlmError('mqtt-password', `the password file ${path} cannot be read: ${String(cause)}`, {
      cause,
    });
  }
}
