import type { NodeAPI } from 'node-red';
import type { ImageChildren } from '../../client/children/image-children';
import { NodeFailure } from '../failures/node-failure';

const longestSide = 960;
const mostBytes = 16 * 1024 * 1024;

/** The last picture of each frame node, for the dialog that draws on it. */
export interface FrameSample {
  keep(node: string, bytes: Uint8Array): void;
  forget(node: string): void;
}

/**
 * `GET smolvlm-frame/ID/sample`: a node's last picture, made smaller and not masked, for editors who may read nodes'
 * pictures (`smolvlm-frame.read`). Empty (204) before one came.
 */
export function registerFrameSample(RED: NodeAPI, child: ImageChildren): FrameSample {
  const pictures = new Map<string, Uint8Array>();
  RED.httpAdmin.get(
    '/smolvlm-frame/:id/sample',
    RED.auth.needsPermission('smolvlm-frame.read'),
    (request, response) => {
      const bytes = pictures.get(String(request.params.id));
      if (!bytes) {
        response.status(204).end();
        return;
      }
      child.prepare(bytes, { maxSide: longestSide }).then(
        ({ jpeg }) => {
          response
            .set('cache-control', 'no-store')
            .type('image/jpeg')
            .send(Buffer.from(jpeg ?? []));
        },
        (error: unknown) => {
          const { code, message } = new NodeFailure(error);
          response.status(422).json({ code, message });
        },
      );
    },
  );
  return {
    keep: (node, bytes) => {
      if (bytes.length <= mostBytes) pictures.set(node, bytes);
    },
    forget: (node) => void pictures.delete(node),
  };
}
