import { versionAtLeast } from './npu-driver';

interface DriverFault {
  readonly driver: string;
  /** Reported with this librknnrt, and newer ones. */
  readonly runtime?: string;
  readonly what: string;
}

/** Releases of the driver on which runs are reported to fail, each with the report. No release is added without one. */
const reported: readonly DriverFault[] = [
  {
    driver: '0.9.3',
    what: 'with driver 0.9.3 rknn_run fails (“failed to submit”), fixed in 0.9.6 (radxa/kernel#312, airockchip/rknn-toolkit2#38)',
  },
  {
    driver: '0.9.2',
    what: 'with driver 0.9.2 NPU cores 1 and 2 fail (“failed to submit”), core 0 works (airockchip/rknn-toolkit2#294, leafqycc/rknn-multi-threaded#8)',
  },
  {
    driver: '0.7.2',
    runtime: '2.3.2',
    what: 'with driver 0.7.2 and librknnrt 2.3.2 rknn_run fails (“failed to submit”: airockchip/rknn-toolkit2#447)',
  },
];

/**
 * What is reported about a driver, as part of a sentence.
 * @param runtime version of librknnrt, if known
 */
export function driverFault(driver: string, runtime: string | undefined): string | undefined {
  return reported.find(
    (fault) =>
      fault.driver === driver &&
      (fault.runtime === undefined || (runtime !== undefined && versionAtLeast(runtime, fault.runtime))),
  )?.what;
}
