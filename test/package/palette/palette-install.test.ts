import { thisRuntime } from '../test-runtimes';
import { testPaletteInstall } from './palette-install';

testPaletteInstall([thisRuntime]);
