import { odd, plant } from './planted-secrets';

export function flow(
  cameraPort: number,
  mqttPort: number,
  mqttPassword: string,
  { url: engineUrl, token }: { readonly url: string; readonly token: string },
  collectorPort: number,
): { nodes: { id: string; type: string }[]; credentials: Record<string, Record<string, string>> } {
  const credentials: Record<string, Record<string, string>> = {};
  const nodes: { id: string; type: string }[] = [
    { id: 'tab', type: 'tab' },
    {
      id: 'broker',
      type: 'mqtt-broker',
      ...{
        broker: '127.0.0.1',
        port: `${mqttPort}`,
        autoConnect: true,
        protocolVersion: '4',
        keepalive: '60',
      },
    } as never,
  ];
  credentials.broker = { user: 'flow', password: mqttPassword };
  const place = { z: 'tab', x: 1, y: 1 };
  const engine = (id: string, url: string, token: string): void => {
    nodes.push({ id, type: 'smolvlm-engine', location: 'remote', url, model: '' } as never);
    credentials[id] = { token };
  };
  engine('engine', engineUrl, plant('a wrong token'));
  engine('admitted', engineUrl, token);
  engine(
    'malformed',
    `http://u:${plant('openly typed engine login')}@:99999/`,
    plant('token of a malformed address'),
  );
  const loginless = (path: string): string => `http://127.0.0.1:${cameraPort}${path}`;
  const sources: readonly (readonly [source: string, url: string, user?: string, password?: string])[] = [
    ['snapshot', loginless('/refuses'), 'admin', odd(plant('password of a snapshot'))],
    [
      'snapshot',
      loginless('/refuses?user={user}&password={password}'),
      plant('user in a placeholder'),
      odd(plant('password in a placeholder')),
    ],
    ['snapshot', loginless(`/page?user=u&password=${plant('openly typed query password')}`)],
    ['snapshot', loginless(`/closes?rs=${plant('openly typed odd name')}`)],
    ['snapshot', `http://admin:${plant('openly typed userinfo')}@127.0.0.1:1/x.jpg`],
    ['snapshot', `http//admin:${plant('openly typed malformed')}@127.0.0.1/x.jpg`],
    ['mjpeg', loginless('/refuses?pwd={password}'), 'admin', odd(plant('password of a stream'))],
    ['mjpeg', `http://admin:${plant('openly typed stream login')}@127.0.0.1:1/x`],
    ['rtsp', 'rtsp://{user}:{password}@127.0.0.1:1/x', 'admin', odd(plant('password of rtsp'))],
    ['rtsp', `rtsp://admin:${plant('openly typed rtsp login')}@127.0.0.1:1/user=a_password=b.sdp`],
    ['folder', `/nowhere/${plant('openly typed folder')}/../x`],
  ];
  for (const [index, [source, url, user, password]] of sources.entries()) {
    const id = `frame${index}`;
    const fields = source === 'folder' ? { folder: '/nowhere' } : { url };
    nodes.push({
      ...place,
      ...{
        id,
        type: 'smolvlm-frame',
        name: `camera ${index}`,
        source,
        interval: '1',
        timeout: '2',
        retries: '1',
      },
      ...{ masks: [], zones: [], camera: '', cameraType: 'str', image: 'payload', imageType: 'msg' },
      ...fields,
      wires: [['caption', 'out'], ['out']],
    } as never);
    if (user !== undefined) credentials[id] = { user, password: password ?? '' };
  }
  nodes.push(
    {
      ...place,
      ...{ id: 'caption', type: 'smolvlm-caption', engine: 'engine', preset: 'describe', image: 'payload' },
      ...{ imageType: 'msg', camera: 'topic', cameraType: 'msg', outputs: 2, wires: [['out'], ['out']] },
    } as never,
    {
      ...place,
      ...{ id: 'inject', type: 'inject', once: true, onceDelay: '1', repeat: '' },
      props: [{ p: 'payload', v: loginless(`/refuses?token=${plant('openly typed payload')}`), vt: 'str' }],
      wires: [['caption', 'fetches']],
    } as never,
    {
      ...place,
      ...{ id: 'fetches', type: 'smolvlm-caption', engine: 'admitted', preset: 'describe', image: 'payload' },
      ...{ imageType: 'msg', outputs: 2, wires: [['out'], ['out']] },
    } as never,
    {
      ...place,
      ...{ id: 'broken', type: 'smolvlm-caption', engine: 'malformed', preset: 'describe', image: 'payload' },
      ...{ imageType: 'msg', outputs: 2, wires: [[], []] },
    } as never,
    {
      ...place,
      ...{
        id: 'mqtt',
        type: 'smolvlm-mqtt',
        engine: 'engine',
        broker: 'broker',
        base: 'smolvlm',
        discovery: true,
      },
      cameras: [
        { name: 'garden', snapshot: loginless('/refuses?u={user}&p={password}'), login: 1 },
        { name: 'street', snapshot: loginless(`/refuses?passwd=${plant('openly typed mqtt camera')}`) },
      ],
      wires: [['out']],
    } as never,
    { ...place, id: 'catch', type: 'catch', scope: null, uncaught: false, wires: [['out']] } as never,
    { ...place, id: 'status', type: 'status', scope: null, wires: [['out']] } as never,
    {
      ...place,
      ...{ id: 'out', type: 'change', wires: [['tcp']] },
      rules: [
        {
          t: 'set',
          p: 'payload',
          pt: 'msg',
          to: '$string({"topic": topic, "error": error, "status": status, "caption": caption, "frame": frame}) & "\\n"',
          tot: 'jsonata',
        },
      ],
    } as never,
    {
      ...place,
      ...{ id: 'tcp', type: 'tcp out', host: '127.0.0.1', port: `${collectorPort}`, beserver: 'client' },
      ...{ base64: false, end: false, wires: [] },
    } as never,
  );
  credentials.mqtt = {
    user: 'common',
    password: odd(plant('common password of mqtt')),
    user1: plant('user of one mqtt camera'),
    password1: odd(plant('password of one mqtt camera')),
  };
  return { nodes, credentials };
}
