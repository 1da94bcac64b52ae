import { isJsonObject, type JsonObject } from '../../../system/json/json-fields';

/** A board's report, read by paths such as `contexts.found.npu_bytes`. Reports of other versions may lack some. */
export class ReportReader {
  readonly #report: JsonObject;

  constructor(report: JsonObject) {
    this.#report = report;
  }

  at(path: string): unknown {
    let found: unknown = this.#report;
    for (const name of path.split('.')) found = isJsonObject(found) ? found[name] : undefined;
    return found;
  }

  number(path: string): number | undefined {
    const found = this.at(path);
    return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
  }

  text(path: string): string | undefined {
    const found = this.at(path);
    return typeof found === 'string' ? found : undefined;
  }

  numbers(path: string): readonly number[] {
    const found = this.at(path);
    const values = Array.isArray(found) ? found : isJsonObject(found) ? Object.values(found) : [];
    return values.filter((value) => typeof value === 'number');
  }

  /** Why a part of the report was not measured. */
  fault(part: string): { readonly message: string; readonly hint?: string } | undefined {
    const message = this.text(`${part}.error.message`);
    const hint = this.text(`${part}.error.hint`);
    return message === undefined ? undefined : { message, ...(hint !== undefined && { hint }) };
  }

  /** NPU cores of the board, as its doctor counted them. */
  get cores(): number | undefined {
    const checks = this.at('doctor.found.checks');
    const soc = Array.isArray(checks)
      ? checks.find((each) => isJsonObject(each) && each.id === 'soc')
      : undefined;
    const count = /(\d) NPU cores/.exec(String(isJsonObject(soc) ? soc.value : ''))?.[1];
    return count === undefined ? undefined : Number(count);
  }
}
