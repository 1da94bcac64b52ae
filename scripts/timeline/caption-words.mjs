// Captions as a small model writes them, from a seed: the same numbers give the same texts.
const people = [
  'a man',
  'a woman',
  'a child',
  'two people',
  'a postman',
  'a delivery driver',
  'a neighbour',
  'a group of people',
];
const doing = [
  'walking',
  'standing',
  'carrying a parcel',
  'riding a bicycle',
  'opening the gate',
  'holding an umbrella',
  'looking at the door',
  'pushing a pram',
];
const places = [
  'on the porch',
  'in the driveway',
  'by the garden fence',
  'under the tree',
  'near the garage',
  'on the street',
  'at the front door',
  'beside the bins',
];
const things = [
  'a red car',
  'a white van',
  'a black cat',
  'a brown dog',
  'a blue bicycle',
  'a green bin',
  'a garden chair',
  'a stack of boxes',
  'a silver truck',
  'a blackbird',
];
const light = ['in daylight', 'at night', 'in the rain', 'in the snow', 'at dusk', 'in fog'];

/** @returns a generator of whole numbers below n */
export function seeded(seed) {
  let state = seed >>> 0 || 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % n;
  };
}

export function captionText(random) {
  const one = (list) => list[random(list.length)];
  const rare = random(2000) === 0 ? ' A hedgehog crosses the lawn.' : '';
  return `The image shows ${one(people)} ${one(doing)} ${one(places)} with ${one(things)} and ${one(things)} ${one(light)}.${rare}`;
}
