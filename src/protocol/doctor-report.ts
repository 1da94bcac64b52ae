/** `bad` (red) does not work; `warn` works, but slowly or at a risk; `info` is not a judgement. */
export type DoctorState = 'ok' | 'warn' | 'bad' | 'info';

/** A text that has words in other languages too: its key in the catalogs of `findings/locales`, and what is filled in. */
export interface DoctorPhrase {
  readonly key: string;
  readonly values?: Readonly<Record<string, string | DoctorPhrase>>;
}

/** One property of a machine. */
export interface DoctorCheck {
  /** Stable, kebab-case: `npu-driver`. */
  readonly id: string;
  readonly title: string;
  readonly state: DoctorState;
  /** What was found, in one line. */
  readonly value: string;
  /** `value` for readers of another language; absent where it is the same in each, and in reports of older engines. */
  readonly valuePhrase?: DoctorPhrase;
  /** What to do, in one line; every `warn` and every `bad` has one. */
  readonly advice?: string;
  readonly advicePhrase?: DoctorPhrase;
}

/** What the machine can do at present. */
export interface DoctorVerdict {
  readonly captionOnCpu: boolean;
  readonly captionOnNpu: boolean;
  /** Convert bundles for the NPU: the vendor's toolkit can be installed. */
  readonly convert: boolean;
}

/** The response to `GET /v1/smolvlm/doctor` and the document of `smolvlm doctor --json`. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly can: DoctorVerdict;
}
