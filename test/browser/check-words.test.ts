import assert from 'node:assert/strict';
import { examine } from '../../src/platform/doctor/examine';
import { recordedMachine } from '../platform/recorded-machine';
import { Editor, unreachableEngine, useEditorServer } from './editor';
import { photograph } from './photographs';

const status = { version: '0.1.0', pid: 812, models: [], memory: { rssBytes: 5e8 } };
/** A hub with much to say about, and a model that the engine does not have. */
const doctor = examine({
  ...recordedMachine('rk3582'),
  bundles: [{ model: 'hub/model', fault: { code: 'model-not-pulled', message: 'hub/model is not here' } }],
});

/** What rows of the table say, by their check: value and advice. */
const said = {
  'en-US': {
    'npu-devices': [
      '/dev/dri/card1 (0660, group video) cannot be opened: EACCES',
      'This user may not use it: sudo usermod -aG video,render USER, then restart the program.',
    ],
    bundle: ['hub/model is not here', 'Choose another model.'],
    temperature: [
      '87 °C (soc-thermal, throttles at 85 °C)',
      'Too hot: add a heat sink or a fan, or request fewer captions.',
    ],
  },
  'de-DE': {
    'npu-devices': [
      '/dev/dri/card1 (0660, Gruppe video) lässt sich nicht öffnen: EACCES',
      'Dieser Benutzer darf es nicht nutzen: sudo usermod -aG video,render USER, dann das Programm neu starten.',
    ],
    bundle: [
      'hub/model: Modell fehlt – in der Engine laden',
      'Öffnen Sie den Dialog der Engine und klicken Sie beim Modell auf „Laden“.',
    ],
    temperature: [
      '87 °C (soc-thermal, drosselt ab 85 °C)',
      'Zu heiß: Montieren Sie einen Kühlkörper oder Lüfter oder fordern Sie weniger Beschreibungen an.',
    ],
  },
  'fr-FR': {
    'npu-devices': [
      '/dev/dri/card1 (0660, groupe video) ne peut pas être ouvert : EACCES',
      'Cet utilisateur n’a pas le droit de l’utiliser : sudo usermod -aG video,render USER, puis redémarrez le programme.',
    ],
  },
  'zh-CN': {
    'npu-devices': [
      '无法打开 /dev/dri/card1（0660，组 video）：EACCES',
      '此用户无权使用它：请运行 sudo usermod -aG video,render USER，然后重启该程序。',
    ],
  },
} as const;

describe('what the doctor finds, in the editor’s language (needs Chromium)', function () {
  this.timeout(240_000);
  const server = useEditorServer(unreachableEngine);

  /** Opens the tab "Check" of an engine that answers with a report. @returns value and advice of a check */
  async function checked(
    editor: Editor,
    report: object,
  ): Promise<(id: string) => Promise<readonly string[]>> {
    const { page } = editor;
    await page.route('**/smolvlm-engine/check', (route) =>
      route.fulfill({ json: { status, doctor: report } }),
    );
    await editor.edit('engine');
    await page.click('a[href="#smolvlm-engine-tab-check"]');
    await page.click('#smolvlm-engine-check');
    await page.locator('.smolvlm-check table').waitFor({ timeout: 30_000 });
    return (id) =>
      page.locator(`.smolvlm-check tr[data-check="${id}"] td:last-child > div`).allTextContents();
  }

  for (const [region, rows] of Object.entries(said)) {
    it(`is shown with its values and its advice: ${region}`, async () => {
      const editor = await Editor.openOn(server(), region);
      try {
        const textOf = await checked(editor, doctor);
        for (const [id, [value, advice]] of Object.entries(rows)) {
          const spaced = (await textOf(id)).map((text) => text.replace(/[\u00a0\u202f]/g, ' '));
          assert.deepEqual(spaced, [value, advice], id);
        }
        const memory = (await textOf('memory'))[0] ?? '';
        const advice = editor.page.locator('.smolvlm-check-advice');
        const language = region.split('-')[0] ?? '';
        const ofLanguage = editor.page.locator(`.smolvlm-check-advice[lang="${language}"]`);
        assert.deepEqual(await ofLanguage.count(), await advice.count());
        assert.match(memory, region === 'en-US' || region === 'zh-CN' ? /\d\.\d GiB/ : /\d,\d GiB/);
        const all = await editor.page.locator('.smolvlm-check').innerText();
        assert.doesNotMatch(all, /__|finding\.|undefined|\[object/);
        await photograph(editor.page, 'check', region);
        assert.deepEqual(editor.faults, []);
      } finally {
        await editor.close();
      }
    });
  }

  it('is in English, and text, where an engine elsewhere sends phrases that the catalog cannot fill', async () => {
    const evil = '<img src="x" onerror="window.ran = true">';
    const free = (values: unknown): object => ({ key: 'memoryFree', values });
    const phrases: Readonly<Record<string, unknown>> = {
      unknown: { key: 'memoryOfTomorrow', values: {} },
      path: { key: '../label.name' },
      group: { key: 'finding' },
      text: 'memoryFree',
      missing: free({ free: '1 GiB' }),
      wrong: free({ free: 1, total: [evil] }),
      code: { key: 'modelFault', values: { code: 'of-another-make', model: evil, message: evil } },
    };
    const checks = Object.entries(phrases).map(([id, phrase]) => ({
      ...{ id, title: id, state: 'warn', value: `value ${evil}`, advice: `advice ${evil}` },
      ...{ valuePhrase: phrase, advicePhrase: phrase },
    }));
    const filled = { valuePhrase: free({ free: evil, total: '__free__' }), state: 'ok', value: 'v' };
    const editor = await Editor.openOn(server(), 'de-DE');
    try {
      const can = { captionOnCpu: true };
      const textOf = await checked(editor, {
        can,
        checks: [...checks, { id: 'filled', title: 'f', ...filled }],
      });
      for (const id of Object.keys(phrases))
        assert.deepEqual(await textOf(id), [`value ${evil}`, `advice ${evil}`], id);
      assert.deepEqual(await textOf('filled'), [`${evil} von __free__ frei`]);
      assert.equal(await editor.page.locator('.smolvlm-check-advice:not([lang="en"])').count(), 0);
      assert.equal(await editor.page.locator('.smolvlm-check img').count(), 0);
      assert.equal(await editor.page.evaluate('window.ran'), undefined);
      assert.deepEqual(editor.faults, []);
    } finally {
      await editor.close();
    }
  });
});
