import { type FindingPhrase, type PhraseKey, phrase } from '../../protocol/findings/finding-phrase';
import { versionAtLeast } from './npu-driver';

interface DriverFault {
  readonly driver: string;
  /** Reported with this librknnrt, and newer ones. */
  readonly runtime?: string;
  readonly what: PhraseKey;
}

/** Releases of the driver on which runs are reported to fail, each with the report. No release is added without one. */
const reported: readonly DriverFault[] = [
  {
    driver: '0.9.3',
    // “failed to submit”, fixed in 0.9.6: radxa/kernel#312, airockchip/rknn-toolkit2#38.
    what: 'driver093',
  },
  {
    driver: '0.9.2',
    // On cores 1 and 2: airockchip/rknn-toolkit2#294, leafqycc/rknn-multi-threaded#8.
    what: 'driver092',
  },
  {
    driver: '0.7.2',
    runtime: '2.3.2',
    // airockchip/rknn-toolkit2#447.
    what: 'driver072',
  },
];

/**
 * What is reported about a driver, as part of a sentence.
 * @param runtime version of librknnrt, if known
 */
export function driverFault(driver: string, runtime: string | undefined): FindingPhrase | undefined {
  const found = reported.find(
    (fault) =>
      fault.driver === driver &&
      (fault.runtime === undefined || (runtime !== undefined && versionAtLeast(runtime, fault.runtime))),
  );
  return found && phrase(found.what);
}
