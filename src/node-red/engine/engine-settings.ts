import { resolve } from 'node:path';
import type { EngineAddress } from '../../client/engine-address';
import type { DescribeInput } from '../../client/engine-api';
import type { NatsAddress } from '../../nats/nats-address';
import { readNatsFile } from '../../nats/nats-files';
import type { RuntimeOptions } from '../../protocol/describe-request';
import { backendChoices, npuSharings, queuePolicies } from '../../protocol/describe-request';
import { defined } from '../../system/defined';
import { fieldChoice } from '../choice-field';
import { fieldNumber } from '../number-field';
import {
  cpuPrecisionChoices,
  engineFields,
  groupAddress,
  locationChoices,
  remoteAddress,
} from './engine-fields';

/** The dialog of `smolvlm-engine`, as Node-RED hands it over: numbers may come as text, or empty. */
export interface EngineDialog {
  readonly location?: string;
  readonly url?: string;
  /** Of a group of hubs: path of a credentials file. */
  readonly natsCreds?: string;
  /** Of a group of hubs: path of the certificate of the authority that signed the server's. */
  readonly natsCa?: string;
  /** Of a group of hubs: name of the stream; blank for the usual one. */
  readonly natsStream?: string;
  readonly model?: string;
  readonly checkpoint?: string;
  readonly backend?: string;
  readonly decoder?: string;
  readonly npuSharing?: string;
  readonly precision?: string;
  readonly threads?: string | number;
  readonly queuePolicy?: string;
  readonly queueCapacity?: string | number;
  readonly maxAge?: string | number;
  readonly idle?: string | number;
  readonly recentFrames?: string | number;
}

/** One engine, or a group of hubs that share a queue. */
export type EnginePlace = EngineAddress | { readonly kind: 'group'; readonly nats: NatsAddress };

/** What an engine config node gives to its users. */
export interface EngineSettings {
  readonly address: EnginePlace;
  /** Seconds a local engine keeps running after its last user has gone. */
  readonly idleExitSeconds: number;
  /** Frames that the sidebar can show. */
  readonly recentFrames: number;
  /** Defaults of every request. */
  readonly defaults: Pick<DescribeInput, 'model' | 'runtime' | 'queue' | 'maxAgeMs'>;
}

/**
 * @param userDir folder that relative model paths start from
 * @throws SmolvlmError `engine-address`, `nats-address` for an invalid address; `nats-credentials`; `node-property` naming a field that is out of its limits
 */
export function engineSettings(
  dialog: EngineDialog,
  token: string | undefined,
  userDir: string,
): EngineSettings {
  const location = fieldChoice(dialog.location, 'location', locationChoices, 'local');
  const model = modelReference(dialog.model?.trim() ?? '', userDir);
  const runtime = runtimeOptions(dialog, userDir);
  const maxAgeSeconds = fieldNumber(dialog.maxAge, 'maxAge', engineFields.maxAge);
  return {
    address: enginePlace(location, dialog, token, userDir),
    idleExitSeconds: fieldNumber(dialog.idle, 'idle', engineFields.idle),
    recentFrames: fieldNumber(dialog.recentFrames, 'recentFrames', engineFields.recentFrames),
    defaults: {
      ...defined({
        model: model || undefined,
        runtime: Object.keys(runtime).length > 0 ? runtime : undefined,
        maxAgeMs: maxAgeSeconds ? maxAgeSeconds * 1000 : undefined,
      }),
      queue: {
        policy: fieldChoice(dialog.queuePolicy, 'queuePolicy', queuePolicies, 'newest'),
        ...defined({
          capacity: fieldNumber(dialog.queueCapacity, 'queueCapacity', engineFields.queueCapacity),
        }),
      },
    },
  };
}

function enginePlace(
  location: (typeof locationChoices)[number],
  dialog: EngineDialog,
  token: string | undefined,
  userDir: string,
): EnginePlace {
  if (location === 'group') return { kind: 'group', nats: hubsAddress(dialog, token, userDir) };
  return location === 'remote' ? remoteAddress(dialog.url, token) : { kind: 'local' };
}

function hubsAddress(dialog: EngineDialog, secret: string | undefined, userDir: string): NatsAddress {
  const file = (path = ''): string | undefined =>
    path.trim() === '' ? undefined : resolve(userDir, path.trim());
  const credentials = file(dialog.natsCreds);
  return {
    ...groupAddress(dialog.url, secret, dialog.natsStream),
    ...defined({
      credentials: credentials === undefined ? undefined : readNatsFile(credentials),
      tlsCa: file(dialog.natsCa),
    }),
  };
}

function runtimeOptions(dialog: EngineDialog, userDir: string): RuntimeOptions {
  const backend = fieldChoice(dialog.backend, 'backend', backendChoices, 'auto');
  const decoder = fieldChoice(dialog.decoder, 'decoder', backendChoices, 'auto');
  const npuSharing = fieldChoice(dialog.npuSharing, 'npuSharing', npuSharings, 'share');
  const checkpoint = modelReference(dialog.checkpoint?.trim() ?? '', userDir);
  const precision = fieldChoice(dialog.precision, 'precision', cpuPrecisionChoices, '');
  return defined({
    backend: backend === 'auto' ? undefined : backend,
    decoder: decoder === 'auto' ? undefined : decoder,
    npuSharing: npuSharing === 'share' ? undefined : npuSharing,
    checkpoint: checkpoint || undefined,
    precision: precision || undefined,
    threads: fieldNumber(dialog.threads, 'threads', engineFields.threads),
  });
}

/** The engine runs in its own folder, so a relative path is made absolute before it leaves. */
function modelReference(model: string, userDir: string): string {
  return /^\.{1,2}[/\\]/.test(model) ? resolve(userDir, model) : model;
}
