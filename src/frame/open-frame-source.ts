import type { CameraAccess } from '../picture/camera/camera-access';
import { FolderSource } from './folder-source';
import type { FrameSource, SourceHooks } from './frame-source';
import { MjpegSource } from './mjpeg-source';
import { RtspSource } from './rtsp-source';
import { SnapshotSource } from './snapshot-source';

interface CameraAddress extends CameraAccess {
  readonly url: URL;
}

/** A camera's own source of pictures. */
export type CameraSource =
  | (CameraAddress & {
      readonly kind: 'snapshot';
      /** Absent: only on request. */
      readonly intervalMs?: number;
      readonly timeoutMs: number;
      readonly retries: number;
    })
  | (CameraAddress & {
      readonly kind: 'mjpeg' | 'rtsp';
      readonly intervalMs: number;
      readonly timeoutMs: number;
    })
  | { readonly kind: 'folder'; readonly folder: string; readonly intervalMs: number };

export function openFrameSource(settings: CameraSource, hooks: SourceHooks): FrameSource {
  switch (settings.kind) {
    case 'folder':
      return new FolderSource(settings, hooks);
    case 'snapshot':
      return new SnapshotSource(settings, hooks);
    case 'mjpeg':
      return new MjpegSource(settings, hooks);
    case 'rtsp':
      return new RtspSource(settings, hooks);
  }
}
