import { testPaletteInstall } from './palette-install';
import { thisRuntime } from './test-runtimes';

testPaletteInstall([thisRuntime]);
