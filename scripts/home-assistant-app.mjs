// Writes a folder that Home Assistant can install the app from, with the packed package in it.
// Usage: node scripts/home-assistant-app.mjs FOLDER
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { root, run } from './setup.mjs';

/** Pictures of the app: the caption node's icon, white on the palette's colour. */
export async function writePictures(folder) {
  const symbol = await sharp(join(root, 'icons', 'smolvlm-caption.svg'), { density: 400 })
    .resize({ width: 128, height: 192, fit: 'inside' })
    .toBuffer();
  const corner = Buffer.from(
    '<svg xmlns="http://www.w3.org/2000/svg" width="256" height="256"><rect width="256" height="256" rx="48" fill="#4a7a8c"/></svg>',
  );
  const icon = await sharp(corner)
    .composite([{ input: symbol }])
    .png({ compressionLevel: 9 })
    .toBuffer();
  await sharp(icon).toFile(join(folder, 'icon.png'));
  await sharp({ create: { width: 640, height: 256, channels: 4, background: '#0000' } })
    .composite([{ input: icon }])
    .png({ compressionLevel: 9 })
    .toFile(join(folder, 'logo.png'));
}

if (process.argv[1]?.endsWith('home-assistant-app.mjs')) {
  const [target] = process.argv.slice(2);
  if (target === '--pictures') {
    await writePictures(join(root, 'home-assistant', 'smolvlm'));
  } else if (target === undefined) {
    process.stderr.write('usage: node scripts/home-assistant-app.mjs FOLDER | --pictures\n');
    process.exitCode = 2;
  } else {
    const folder = resolve(target);
    mkdirSync(folder, { recursive: true });
    cpSync(join(root, 'home-assistant'), folder, { recursive: true });
    run('npm', ['pack', '--pack-destination', join(folder, 'smolvlm')]);
    process.stdout.write(
      `${folder}: ${execFileSync('ls', [join(folder, 'smolvlm')], { encoding: 'utf8' }).replaceAll('\n', ' ')}\n`,
    );
  }
}
