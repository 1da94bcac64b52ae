import { testMusl } from './musl';

testMusl(['arm64']);
