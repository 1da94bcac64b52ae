import { FolderSource } from '../../frame/folder-source';
import type { FrameSource, SourceHooks } from '../../frame/frame-source';
import { MjpegSource } from '../../frame/mjpeg-source';
import { RtspSource } from '../../frame/rtsp-source';
import { SnapshotSource } from '../../frame/snapshot-source';
import type { Credentials } from '../../picture/fetch-picture';
import type { SourceSettings } from './frame-dialog';

/** @returns undefined where pictures come by message */
export function openFrameSource(
  settings: SourceSettings,
  credentials: Credentials | undefined,
  hooks: SourceHooks,
): FrameSource | undefined {
  const login = credentials ? { credentials } : {};
  switch (settings.kind) {
    case 'message':
      return undefined;
    case 'folder':
      return new FolderSource(settings, hooks);
    case 'snapshot':
      return new SnapshotSource({ ...settings, ...login }, hooks);
    case 'mjpeg':
      return new MjpegSource({ ...settings, ...login }, hooks);
    case 'rtsp':
      return new RtspSource({ ...settings, ...login }, hooks);
  }
}
