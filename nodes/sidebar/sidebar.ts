import type { NodeAPI } from 'node-red';
import { engineOverviews, knownFrames } from '../../src/node-red/engine/sidebar';

/** The runtime side of the sidebar: what it polls while it is open. */
export = (RED: NodeAPI): void => {
  const mayRead = RED.auth.needsPermission('smolvlm-engine.read');
  RED.httpAdmin.get('/smolvlm-sidebar/engines', mayRead, (request, response) => {
    response.set('cache-control', 'no-store');
    void engineOverviews(RED, knownFrames(request.query.known)).then((engines) => response.json({ engines }));
  });
};
