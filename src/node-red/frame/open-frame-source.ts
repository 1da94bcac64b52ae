import { FolderSource } from '../../frame/folder-source';
import type { FrameSource, SourceHooks } from '../../frame/frame-source';
import { MjpegSource } from '../../frame/mjpeg-source';
import { RtspSource } from '../../frame/rtsp-source';
import { SnapshotSource } from '../../frame/snapshot-source';
import type { SourceSettings } from './source-settings';

/** @returns undefined if pictures come by message */
export function openFrameSource(settings: SourceSettings, hooks: SourceHooks): FrameSource | undefined {
  switch (settings.kind) {
    case 'message':
      return undefined;
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
