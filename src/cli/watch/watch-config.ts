import { type FieldFault, isJsonObject, type JsonObject } from '../../system/json/json-fields';
import type { ConfigFile } from './config-file';
import { cameraFields, ownFields, readCamera, type WatchedCamera } from './watched-camera';

/** @throws SmolvlmError `watch-config` naming the field, what was expected and what it holds */
export function watchConfig(file: ConfigFile): readonly WatchedCamera[] {
  const { object, fault } = file;
  checkKnown(object, ['defaults', 'cameras'], '', fault);
  const defaults = object.defaults ?? {};
  if (!isJsonObject(defaults)) throw fault('defaults: expected fields');
  checkKnown(
    defaults,
    cameraFields.filter((name) => !ownFields.includes(name)),
    'defaults.',
    fault,
  );
  const { cameras } = object;
  if (!Array.isArray(cameras) || cameras.length === 0) throw fault('cameras: expected a list of cameras');
  const read = cameras.map((each: unknown, index) => {
    const place = `cameras[${index}].`;
    if (!isJsonObject(each)) throw fault(`cameras[${index}]: expected the fields of a camera`);
    checkKnown(each, cameraFields, place, fault);
    return readCamera({ ...defaults, ...each }, place, fault);
  });
  const names = read.map(({ name }) => name);
  const twice = names.findIndex((name, index) => names.indexOf(name) !== index);
  if (twice >= 0) throw fault(`cameras[${twice}].name: "${names[twice]}" is listed twice`);
  return read;
}

function checkKnown(object: JsonObject, known: readonly string[], place: string, fault: FieldFault): void {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  if (unknown !== undefined) throw fault(`${place}${unknown}: the field is unknown`);
}
