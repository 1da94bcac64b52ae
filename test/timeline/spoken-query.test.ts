import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { spokenQuery } from '../../src/timeline/spoken-query';

const now = new Date(2026, 10, 27, 15).getTime();
const day = (date: number): number => new Date(2026, 10, date).getTime();
const cameras = ['porch', 'back_porch', '门口', 'Garage'];

describe('spokenQuery', () => {
  for (const [question, query] of [
    ['When was a parcel last seen on the porch?', { camera: 'porch', text: 'parcel' }],
    ['any dogs on the back porch today', { camera: 'back_porch', text: 'dogs', from: day(27), to: day(28) }],
    [
      'Wann war gestern ein Paket in der Garage?',
      { camera: 'Garage', text: 'Paket', from: day(26), to: day(27) },
    ],
    ['War hier ein Paket?', { text: 'Paket' }],
    ['Quand le colis était-il vu hier ?', { text: 'colis', from: day(26), to: day(27) }],
    ['Y a-t-il eu un colis ?', { text: 'colis' }],
    ['昨天门口的包裹', { camera: '门口', text: '包裹', from: day(26), to: day(27) }],
    ['red car -truck "white van"', { text: 'red car -truck "white van"' }],
    ['porch', { camera: 'porch' }],
    ['what was there yesterday?', { from: day(26), to: day(27) }],
    ['', {}],
  ] as const) {
    it(`takes ${JSON.stringify(question)} as ${JSON.stringify(query)}`, () => {
      assert.deepEqual(spokenQuery(question, cameras, now), query);
    });
  }
});
