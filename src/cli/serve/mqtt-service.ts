import { readFileSync } from 'node:fs';
import type { EngineAddress } from '../../client/engine-address';
import { EngineClient } from '../../client/engine-client';
import { SmolvlmError } from '../../errors';
import { DescribeService } from '../../mqtt/describe-service';
import { DescribeTopics } from '../../mqtt/describe-topics';
import type { ServiceSettings } from '../../mqtt/service-settings';
import { brokerAddress, MqttJsTransport } from '../../mqtt/transport/mqttjs-transport';
import { packageVersion } from '../../package-version';
import { fillPrompt } from '../../template/prompt-template';
import { type OptionValues, optionalChoice, optionalString, UsageError } from '../command';
import { mqttConfig } from './mqtt-config';

export interface MqttServiceOptions {
  readonly broker: URL;
  readonly password?: string;
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
    broker: brokerAddress(broker),
    protocolVersion: version === '4' ? 4 : 5,
    settings: mqttConfig(config, values['allow-image-urls'] === true),
    ...(passwordFile !== undefined && { password: readPassword(passwordFile) }),
  };
}

/** Describes over MQTT with the engine of this process. */
export function startMqttService(
  options: MqttServiceOptions,
  address: EngineAddress,
  log: (line: string) => void,
): { close(): Promise<void> } {
  const { broker, password, protocolVersion, settings } = options;
  const topics = new DescribeTopics(settings.base);
  let trouble = '';
  const transport = new MqttJsTransport({
    url: broker,
    protocolVersion,
    will: { topic: topics.availability, payload: 'offline', qos: settings.qos, retain: true },
    ...(password !== undefined && { password }),
    // The same reason comes every few seconds while the broker is away.
    onTrouble: (reason) => {
      if (reason !== trouble) log(`MQTT broker ${broker.host}: ${reason}`);
      trouble = reason;
    },
  });
  transport.onConnected(() => {
    trouble = '';
    log(`connected to the MQTT broker ${broker.host}: ${topics.describeFilter}`);
  });
  const engine = new EngineClient(address);
  const service = new DescribeService({
    transport,
    engine,
    settings,
    version: packageVersion(),
    fillPrompt,
    onTrouble: ({ message, code }) => log(`${message} [${code}]`),
    onAnswer: ({ camera }, answer) => {
      if (answer.kind === 'error') log(`camera "${camera}": ${answer.error.message} [${answer.error.code}]`);
    },
  });
  service.start();
  return {
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
