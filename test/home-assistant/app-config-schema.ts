/** An option's type as the documentation "Add-on configuration" of Home Assistant's developers lists it. */
const optionType =
  '^(bool|email|url|port|device(\\(subsystem=[a-z]+\\))?|(str|password)(\\(\\d*,\\d*\\))?|int(\\(-?\\d*,-?\\d*\\))?|float(\\(-?[\\d.]*,-?[\\d.]*\\))?|match\\(.*\\)|list\\(.+\\))\\??$';

export type OptionSchema = string | readonly OptionSchema[] | { readonly [name: string]: OptionSchema };

const element = { type: 'string', pattern: optionType };
const fields = {
  type: 'object',
  additionalProperties: { anyOf: [element, { type: 'array', items: element, minItems: 1, maxItems: 1 }] },
};
const names = { type: 'array', items: { type: 'string' } };
const flag = { type: 'boolean' };
const port = { type: 'integer', minimum: 1, maximum: 65_535 };
const text = { type: 'string', minLength: 1 };
const address = '\\[HOST\\]:(\\[PORT:\\d+\\]|\\d+).*$';

/** The keys of an app's config.yaml that the same page documents; a key that it does not name is refused. */
export const appConfigSchema = {
  type: 'object',
  required: ['name', 'version', 'slug', 'description', 'arch'],
  additionalProperties: false,
  properties: {
    name: text,
    version: text,
    slug: { type: 'string', pattern: '^[-_.A-Za-z0-9]+$' },
    description: text,
    arch: { type: 'array', items: { enum: ['aarch64', 'amd64'] }, minItems: 1, uniqueItems: true },
    machine: names,
    url: { type: 'string', pattern: '^https?://' },
    startup: { enum: ['initialize', 'system', 'services', 'application', 'once'] },
    webui: { type: 'string', pattern: `^(https?|\\[PROTO:\\w+\\])://${address}` },
    boot: { enum: ['auto', 'manual', 'manual_only'] },
    ports: {
      type: 'object',
      propertyNames: { pattern: '^\\d+(-\\d+)?/(tcp|udp)$' },
      additionalProperties: { anyOf: [port, { type: 'null' }] },
    },
    ports_description: { type: 'object', additionalProperties: text },
    host_network: flag,
    host_ipc: flag,
    host_dbus: flag,
    host_pid: flag,
    host_uts: flag,
    devices: { type: 'array', items: { type: 'string', pattern: '^/dev/' } },
    homeassistant: text,
    hassio_role: { enum: ['default', 'homeassistant', 'backup', 'manager', 'admin'] },
    hassio_api: flag,
    homeassistant_api: flag,
    docker_api: flag,
    privileged: names,
    full_access: flag,
    apparmor: { type: ['boolean', 'string'] },
    map: {
      type: 'array',
      items: {
        type: 'object',
        required: ['type'],
        additionalProperties: false,
        properties: {
          type: {
            enum: [
              'homeassistant_config',
              'addon_config',
              'ssl',
              'addons',
              'backup',
              'share',
              'media',
              'all_addon_configs',
              'data',
            ],
          },
          read_only: flag,
          path: { type: 'string', pattern: '^/.+' },
        },
      },
    },
    environment: { type: 'object', additionalProperties: { type: 'string' } },
    audio: flag,
    video: flag,
    gpio: flag,
    usb: flag,
    uart: flag,
    udev: flag,
    devicetree: flag,
    kernel_modules: flag,
    stdin: flag,
    legacy: flag,
    options: { type: 'object' },
    schema: {
      anyOf: [
        { const: false },
        {
          type: 'object',
          additionalProperties: {
            anyOf: [
              element,
              { type: 'array', minItems: 1, maxItems: 1, items: { anyOf: [element, fields] } },
              fields,
            ],
          },
        },
      ],
    },
    image: text,
    codenotary: text,
    timeout: { type: 'integer', minimum: 10, maximum: 300 },
    tmpfs: flag,
    discovery: names,
    services: { type: 'array', items: { type: 'string', pattern: '^(mqtt|mysql):(provide|want|need)$' } },
    auth_api: flag,
    ingress: flag,
    ingress_port: { anyOf: [port, { const: 0 }] },
    ingress_entry: text,
    ingress_stream: flag,
    panel_icon: { type: 'string', pattern: '^mdi:[a-z0-9-]+$' },
    panel_title: text,
    panel_admin: flag,
    backup: { enum: ['hot', 'cold'] },
    backup_pre: text,
    backup_post: text,
    backup_exclude: names,
    advanced: flag,
    stage: { enum: ['stable', 'experimental', 'deprecated'] },
    init: flag,
    watchdog: { type: 'string', pattern: `^(https?|tcp|\\[PROTO:\\w+\\])://${address}` },
    realtime: flag,
    journald: flag,
    breaking_versions: names,
    ulimits: { type: 'object' },
  },
} as const;

/** What the Supervisor would refuse in the options that a user saves. */
export function optionFaults(schema: OptionSchema, value: unknown, place = 'options'): readonly string[] {
  if (typeof schema === 'string') return isOfType(schema, value) ? [] : [`${place}: expected ${schema}`];
  if (Array.isArray(schema)) {
    if (!Array.isArray(value)) return [`${place}: expected a list`];
    return value.flatMap((each, index) => optionFaults(schema[0] ?? 'str', each, `${place}[${index}]`));
  }
  if (typeof value !== 'object' || value === null) return [`${place}: expected fields`];
  const given = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).filter((name) => !(name in schema));
  return [
    ...unknown.map((name) => `${place}.${name}: unknown`),
    ...Object.entries(schema).flatMap(([name, type]) => {
      const isOptional = typeof type === 'string' && type.endsWith('?');
      if (given[name] === undefined || given[name] === null)
        return isOptional ? [] : [`${place}.${name}: missing`];
      return optionFaults(type, given[name], `${place}.${name}`);
    }),
  ];
}

function isOfType(type: string, value: unknown): boolean {
  const [, name = '', range] = /^(\w+)(?:\((.*)\))?\??$/.exec(type) ?? [];
  const [low, high] = (range ?? '').split(',').map((bound) => (bound === '' ? undefined : Number(bound)));
  switch (name) {
    case 'bool':
      return typeof value === 'boolean';
    case 'int':
      return (
        Number.isInteger(value) && Number(value) >= (low ?? -Infinity) && Number(value) <= (high ?? Infinity)
      );
    case 'match':
      return new RegExp(range ?? '').test(String(value));
    case 'list':
      return (range ?? '').split('|').includes(String(value));
    case 'url':
      return URL.canParse(String(value));
    default:
      return typeof value === 'string';
  }
}
