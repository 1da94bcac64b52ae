/** Without a success yet: the password is wrong until somebody changes it. */
const neverWorked = [60_000, 300_000, 900_000];
/** After a success: the camera may be restarting. Cameras lock after about five wrong logins. */
const workedBefore = [15_000, 15_000, 15_000, 300_000, 900_000];

/** How long a source leaves a camera alone that refused its login, so that the camera does not lock everybody out. */
export class LoginPause {
  #pauses: readonly number[] = neverWorked;
  #refusals = 0;

  worked(): void {
    this.#pauses = workedBefore;
    this.#refusals = 0;
  }

  /** @returns milliseconds before the next try */
  refused(): number {
    const pause = this.#pauses[Math.min(this.#refusals, this.#pauses.length - 1)] ?? 0;
    this.#refusals++;
    return pause;
  }
}
