/** `bad` is red and comes with advice; `warn` works, but slowly or at risk; `info` judges nothing. */
export type DoctorState = 'ok' | 'warn' | 'bad' | 'info';

/** One thing a machine has or lacks. */
export interface DoctorCheck {
  /** Stable, kebab-case: `npu-driver`. */
  readonly id: string;
  readonly title: string;
  readonly state: DoctorState;
  /** What was found, in one line. */
  readonly value: string;
  /** What to do, in one line; every `warn` and every `bad` has one. */
  readonly advice?: string;
}

/** What the machine can do as it is. */
export interface DoctorVerdict {
  readonly captionOnCpu: boolean;
  readonly captionOnNpu: boolean;
  /** Make bundles for the NPU: the vendor's toolkit can be installed. */
  readonly convert: boolean;
}

/** The answer to `GET /v1/smolvlm/doctor` and the document of `smolvlm doctor --json`. */
export interface DoctorReport {
  readonly checks: readonly DoctorCheck[];
  readonly can: DoctorVerdict;
}
