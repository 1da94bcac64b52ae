/** A privacy mask. */
const leftHalf = [
  [0, 0],
  [0.5, 0],
  [0.5, 1],
  [0, 1],
];

/**
 * A flow with each type of the package; failures answer with status 500. `caption-here` has its own engine
 * on this machine, the others use the remote one.
 * @param python interpreter with the conversion toolkit
 */
export function flowOfEveryNode(engineUrl: string, brokerPort: number, python: string): readonly object[] {
  const broker = { broker: '127.0.0.1', port: String(brokerPort), keepalive: '60', protocolVersion: '4' };
  const engine = { location: 'remote', url: engineUrl, model: 'chosen in the engine' };
  const local = { location: 'local', model: 'demo', idle: '1' };
  return [
    { id: 'tab', type: 'tab', label: 'every node' },
    { id: 'engine', type: 'smolvlm-engine', ...engine },
    { id: 'engine-here', type: 'smolvlm-engine', ...local },
    { id: 'broker', type: 'mqtt-broker', ...broker, cleansession: true, autoConnect: true },
    ...behindAddress('caption', [
      onTab('caption', 'smolvlm-caption', ['caption-told'], { engine: 'engine' }),
      onTab('caption-told', 'change', ['answer'], { rules: [assign('payload', 'caption', 'msg')] }),
    ]),
    ...behindAddress('frame', [
      onTab('frame', 'smolvlm-frame', ['frame-passed'], {
        ...{ source: 'message', image: 'payload', imageType: 'msg', camera: 'porch', cameraType: 'str' },
        ...{ masks: [leftHalf], zones: [], maxSide: '320', unchanged: true },
        wires: [['frame-passed'], ['frame-held']],
      }),
      onTab('frame-passed', 'change', ['answer'], {
        rules: [assign('headers', '{"content-type":"image/jpeg"}', 'json')],
      }),
      onTab('frame-held', 'change', ['answer'], { rules: [assign('payload', 'frame', 'msg')] }),
    ]),
    ...behindAddress('caption-here', [
      onTab('here', 'smolvlm-caption', ['caption-told'], { engine: 'engine-here' }),
    ]),
    ...behindAddress('vision', [
      onTab('vision', 'smolvlm-vision', ['seen-caption'], { engine: 'engine' }),
      onTab('seen-caption', 'smolvlm-caption', ['caption-told'], { engine: 'engine' }),
    ]),
    ...behindAddress('convert', [
      onTab('convert-asked', 'change', ['convert'], {
        rules: ['mode', 'model', 'out', 'target', 'precision'].map((field) =>
          assign(field, `payload.${field}`, 'msg'),
        ),
      }),
      onTab('convert', 'smolvlm-convert', ['answer'], { python }),
    ]),
    ...behindAddress('timeline', [
      onTab('timeline-text', 'change', ['timeline'], {
        rules: [assign('payload', 'payload.text', 'msg'), assign('topic', 'garden', 'str')],
      }),
      onTab('timeline', 'smolvlm-timeline', ['timeline-kept']),
      onTab('timeline-kept', 'change', ['answer'], { rules: [assign('payload', 'entry', 'msg')] }),
    ]),
    onTab('mqtt', 'smolvlm-mqtt', [], { engine: 'engine', broker: 'broker' }),
    onTab('catch', 'catch', ['fault']),
    onTab('fault', 'change', ['answer'], {
      rules: [assign('payload', 'error', 'msg'), assign('statusCode', '500', 'num')],
    }),
    onTab('answer', 'http response', []),
  ];
}

/** Nodes in a row that begins at an HTTP address. */
function behindAddress(address: string, nodes: readonly { readonly id: string }[]): readonly object[] {
  const [first] = nodes;
  const source = { url: `/${address}`, method: 'post' };
  return [onTab(`${address}-in`, 'http in', first ? [first.id] : [], source), ...nodes];
}

function onTab(id: string, type: string, to: readonly string[], fields: object = {}) {
  return { id, type, z: 'tab', x: 100, y: 100, wires: [to], ...fields };
}

/** A rule of a change node. */
function assign(property: string, value: string, valueType: string): object {
  return { t: 'set', p: property, pt: 'msg', to: value, tot: valueType };
}
