import assert from 'node:assert/strict';
import { original, readCatalog, type Translation } from '../nodes/catalogs';
import type { NodeRedProgram } from '../package/node-red-process';
import { Editor, useEditorServer } from './editor';
import { photograph } from './photographs';

/** Text of a catalog in one language. */
function word(language: typeof original | Translation, type: string, key: string): string {
  return readCatalog(type, language).get(`${type}.${key}`) ?? assert.fail(`${type}.${key}`);
}

/** Looks at statuses in several editors at once. @param program another Node-RED than the development dependency */
export function statusesInEachLanguage(nodeRed: number, program?: () => Promise<NodeRedProgram>): void {
  describe(`statuses in the editor of Node-RED ${nodeRed}, whatever Node-RED’s language is (needs Chromium)`, function () {
    this.timeout(240_000);
    const place = (id: string, y: number) => ({ id, z: 'tab', x: 300, y });
    const server = useEditorServer(
      [
        { id: 'tab', type: 'tab', label: 'Flow' },
        { ...place('frame', 120), type: 'smolvlm-frame', name: 'Porch', wires: [['caption'], []] },
        { ...place('caption', 200), type: 'smolvlm-caption', name: 'Caption', wires: [[], [], []] },
        { ...place('inject', 280), type: 'inject', name: 'No picture', props: [], wires: [['frame']] },
        { ...place('status', 360), type: 'status', scope: ['frame'], wires: [['debug']] },
        { ...place('debug', 440), type: 'debug', ...asStatus, wires: [] },
      ],
      async () => ({
        environment: { LANG: 'en_US.UTF-8', LANGUAGE: '', LC_ALL: '', LC_MESSAGES: '' },
        program: await program?.(),
      }),
    );

    it('shows the same status in each editor’s own language, old ones and new ones', async () => {
      const german = await Editor.openOn(server(), 'de-DE');
      const french = await Editor.openOn(server(), 'fr-FR');
      const english = await Editor.openOn(server());
      const editors = [
        ['de', german],
        ['fr', french],
        [original, english],
      ] as const;
      const shows = async (id: string, type: string, key: string): Promise<void> => {
        for (const [language, { page }] of editors) {
          const label = page.locator(`[id="${id}"] .red-ui-flow-node-status-label`);
          const text = word(language, type, key);
          await page.waitForFunction(
            `document.getElementById(${JSON.stringify(id)})?.querySelector('.red-ui-flow-node-status-label')
            ?.textContent === ${JSON.stringify(text)}`,
            undefined,
            { timeout: 30_000 },
          );
          assert.equal(await label.textContent(), text);
        }
      };
      try {
        await shows('frame', 'smolvlm-frame', 'status.idle');
        await shows('caption', 'smolvlm-engine', 'trouble.noEngine');
        await german.page.request.post(new URL('inject/inject', server().url).href);
        await shows('frame', 'smolvlm-engine', 'trouble.noPicture');
        await photograph(german.page, 'statuses', 'de');
        // Status nodes get Node-RED's own language.
        await german.page.waitForFunction(
          `RED.nodes.node('debug').status?.text === ${JSON.stringify(word(original, 'smolvlm-engine', 'trouble.noPicture'))}`,
        );
        const later = await Editor.openOn(server(), 'zh-CN');
        const text = word('zh-CN', 'smolvlm-engine', 'trouble.noPicture');
        await later.page.waitForFunction(`RED.nodes.node('frame').status?.text === ${JSON.stringify(text)}`);
        await later.close();
        assert.deepEqual(
          editors.flatMap(([, { faults }]) => faults),
          [],
        );
      } finally {
        for (const [, editor] of editors) await editor.close();
      }
    });
  });
}

/** Fields of a debug node that shows a Status node's text as its own status. */
const asStatus = {
  ...{ active: true, tosidebar: false, tostatus: true },
  ...{ complete: 'status.text', targetType: 'msg', statusVal: 'status.text', statusType: 'msg' },
};
