import type { ModelFacts } from './bundle-facts';
import { type ContainerKind, containerOf } from './container';
import { cpuClocks, type FrequencyDomain, memoryClock, npuClock } from './frequency-domains';
import { type Libc, libcOf } from './libc';
import { type MachineMemory, machineMemory, npuHasIommu, openFileLimit } from './memory';
import { type NpuDevices, npuDevices, npuNodePaths } from './npu/npu-devices';
import { type NpuDriver, npuDriver } from './npu/npu-driver';
import { type NpuUsers, npuUsers } from './npu/npu-users';
import { findProgram } from './program-path';
import { toolkitPython } from './python';
import type { SystemFiles } from './recording/system-files';
import type { CpuProducts, ProcessFacts } from './recording/system-recording';
import { findRuntimeLibraries, type RuntimeLibrary } from './runtime-library';
import { driverCores, npuTarget, type Soc, socOf } from './soc';
import { chipTemperature, type Temperature } from './temperature';

/** All facts that the doctor judges, read once. */
export interface Machine {
  readonly process: ProcessFacts;
  readonly soc: Soc;
  readonly kernel: string | undefined;
  readonly container: ContainerKind | undefined;
  readonly libc: Libc;
  /** `other-chip`: an NPU that is not supported. */
  readonly npu: 'supported' | 'other-chip' | 'absent';
  readonly driver: NpuDriver;
  readonly driverCores: number | undefined;
  readonly devices: NpuDevices;
  readonly npuUsers: NpuUsers;
  readonly rknn: readonly RuntimeLibrary[];
  readonly rkllm: readonly RuntimeLibrary[];
  readonly clocks: {
    readonly npu: FrequencyDomain | undefined;
    readonly memory: FrequencyDomain | undefined;
    readonly cpu: readonly FrequencyDomain[];
  };
  readonly temperature: Temperature | undefined;
  readonly memory: MachineMemory | undefined;
  readonly iommu: boolean | undefined;
  readonly openFiles: number | undefined;
  readonly python: string | undefined;
  readonly ffmpeg: string | undefined;
  /** Absent in recordings of older releases. */
  readonly cpuProducts: CpuProducts | undefined;
  /** Bundles that are compared with the machine. */
  readonly bundles: readonly ModelFacts[];
}

/** Reads everything that a report needs. */
export function readMachine(files: SystemFiles, bundles: Machine['bundles'] = []): Machine {
  const soc = socOf(files);
  const driver = npuDriver(files);
  const devices = npuDevices(files);
  const found = driver.hardware || driver.kind !== 'none';
  return {
    process: files.process,
    soc,
    kernel: files.text('/proc/sys/kernel/osrelease'),
    container: containerOf(files),
    libc: libcOf(files),
    npu: npuTarget(soc) !== undefined ? 'supported' : found ? 'other-chip' : 'absent',
    driver,
    driverCores: driverCores(files),
    devices,
    npuUsers: npuUsers(files, npuNodePaths(devices)),
    rknn: findRuntimeLibraries(files, 'rknn'),
    rkllm: findRuntimeLibraries(files, 'rkllm'),
    clocks: { npu: npuClock(files), memory: memoryClock(files), cpu: cpuClocks(files) },
    temperature: chipTemperature(files),
    memory: machineMemory(files),
    iommu: npuHasIommu(files),
    openFiles: openFileLimit(files),
    python: toolkitPython(files),
    ffmpeg: findProgram(files, ['ffmpeg']),
    cpuProducts: files.cpuProducts,
    bundles,
  };
}
