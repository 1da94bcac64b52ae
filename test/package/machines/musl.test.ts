import { testMusl } from './musl';

testMusl(['x64']);
