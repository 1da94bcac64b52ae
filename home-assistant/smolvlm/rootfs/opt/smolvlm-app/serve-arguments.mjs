/**
 * The command line of `smolvlm serve` for the app's options.
 * @param options content of options.json, which the Supervisor has checked against the schema in config.yaml
 * @param files where secrets and settings were written: `token`, `socket`, with a broker `password` and `mqttConfig`; and the `port`
 * @param broker `{ url, password }`, or undefined without MQTT
 * @returns arguments after `smolvlm`
 */
export function serveArguments(options, files, broker) {
  const given = [
    ['model', options.model],
    ['socket', files.socket],
    ['host', '0.0.0.0'],
    ['port', files.port],
    ['token-file', files.token],
    ['threads', options.threads],
    ['precision', options.precision],
    ['log-level', options.log_level],
    ['queue-capacity', options.queue_capacity],
    ['model-limit-mb', options.model_limit_mb],
    ['memory-limit-mb', options.memory_limit_mb],
    ['idle-unload', options.idle_unload],
    ...list(options.aliases).map((alias) => ['alias', alias]),
    ...list(options.cors_origins).map((origin) => ['cors-origin', origin]),
    ...(broker ? [['mqtt', broker.url]] : []),
    ...(broker?.password ? [['mqtt-password-file', files.password]] : []),
    ...(broker ? [['mqtt-config', files.mqttConfig]] : []),
  ];
  const flags = [
    ...(options.allow_image_urls ? ['--allow-image-urls'] : []),
    // Absent in options that an older version saved.
    ...(options.announce === false ? ['--no-announce'] : []),
  ];
  return ['serve', ...given.flatMap(([name, value]) => argument(name, value)), ...flags];
}

/** The file for `--mqtt-config`. */
export function mqttConfig({ cameras, prompt, detail }) {
  const entries = list(cameras).map(({ name, title, snapshot }) => withoutEmpty({ name, title, snapshot }));
  return { cameras: entries, ...withoutEmpty({ prompt, detail }) };
}

/**
 * The broker: the options' own, else the one that Home Assistant's Supervisor knows.
 * @param service data of the Supervisor's `/services/mqtt`, or undefined
 */
export function mqttBroker(options, service) {
  if (!options.mqtt) return undefined;
  if (options.mqtt_broker) return { url: options.mqtt_broker, password: options.mqtt_password };
  if (!service) {
    throw new Error(
      'mqtt is on, but Home Assistant has no MQTT broker. Install the app Mosquitto broker, or set mqtt_broker.',
    );
  }
  const user = service.username ? `${encodeURIComponent(service.username)}@` : '';
  const scheme = service.ssl ? 'mqtts' : 'mqtt';
  return { url: `${scheme}://${user}${service.host}:${service.port}`, password: service.password };
}

/** Whether a model is fetched from a hub: neither the demo nor a path. */
export function isHubModel(model) {
  return /^[\w.-]+\/[\w.-]+(@[\w.-]+)?$/.test(model);
}

function argument(name, value) {
  return value === undefined || value === null || value === '' ? [] : [`--${name}`, String(value)];
}

function list(value) {
  return (value ?? []).filter((each) => each !== '' && each !== null);
}

function withoutEmpty(object) {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined && value !== null && value !== ''),
  );
}
