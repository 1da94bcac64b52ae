/** `fail` is red and comes with advice; `warn` works, but slowly or at risk; `info` judges nothing. */
export type DoctorLevel = 'ok' | 'warn' | 'fail' | 'info';

/** One thing a machine has or lacks. */
export interface DoctorCheck {
  /** Stable, kebab-case: `npu-driver`. */
  readonly id: string;
  readonly title: string;
  /** What was found, in one line. */
  readonly value: string;
  readonly level: DoctorLevel;
  /** What to do, in one line; every `fail` has one. */
  readonly advice?: string;
}

/** What the machine can do as it is. */
export interface DoctorVerdict {
  readonly captionOnCpu: boolean;
  readonly captionOnNpu: boolean;
  /** Make bundles for the NPU: the vendor's toolkit can be installed. */
  readonly convert: boolean;
}

/** The answer to `GET /v1/doctor` and the document of `smolvlm doctor --json`. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly can: DoctorVerdict;
}
