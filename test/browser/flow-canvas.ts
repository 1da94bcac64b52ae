import type { Page } from 'playwright-core';

/** The editor's workspace, used with the mouse as a person uses it. */
export class FlowCanvas {
  constructor(private readonly page: Page) {}

  /** Drags a node from the palette. @returns its id */
  async drag(type: string, x: number, y: number): Promise<string> {
    const { page } = this;
    const before = await this.#ids(type);
    const entry = page.locator(`.red-ui-palette-node[data-palette-type="${type}"]`);
    await entry.scrollIntoViewIfNeeded();
    const from = await middle(entry);
    const chart = await page.locator('#red-ui-workspace-chart').boundingBox();
    await page.mouse.move(...from);
    await page.mouse.down();
    await page.mouse.move(from[0] + 20, from[1] + 5, { steps: 3 });
    await page.mouse.move((chart?.x ?? 0) + x, (chart?.y ?? 0) + y, { steps: 8 });
    await page.mouse.up();
    const id = (await this.#ids(type)).find((each) => !before.includes(each));
    if (id === undefined) throw new Error(`expected a ${type} in the workspace, received none`);
    // A node is drawn in the next frame of the browser.
    await page.locator(`[id="${id}"]`).waitFor();
    return id;
  }

  /** Opens a node's dialog with a double-click. */
  async open(id: string): Promise<void> {
    await this.page.locator(`[id="${id}"] .red-ui-flow-node`).first().dblclick();
    await this.page.waitForSelector('.red-ui-tray-body .dialog-form, .red-ui-tray-body form', {
      state: 'visible',
    });
    await this.page.waitForFunction('$(".red-ui-tray").last().is(":not(:animated)")');
  }

  /** Draws a wire from a node's upper output to another node's input. */
  async wire(from: string, to: string): Promise<void> {
    const { page } = this;
    const output = page.locator(`[id="${from}"] .red-ui-flow-port-output .red-ui-flow-port`).first();
    const input = page.locator(`[id="${to}"] .red-ui-flow-port-input .red-ui-flow-port`).first();
    const wires = page.locator('.red-ui-flow-link-line');
    const before = await wires.count();
    await page.mouse.move(...(await middle(output)));
    await page.mouse.down();
    await page.mouse.move(...(await middle(input)), { steps: 8 });
    await page.mouse.up();
    await wires.nth(before).waitFor({ state: 'attached' });
  }

  #ids(type: string): Promise<readonly string[]> {
    return this.page.evaluate(`RED.nodes.filterNodes({ type: ${JSON.stringify(type)} }).map(({ id }) => id)`);
  }
}

async function middle(element: {
  boundingBox(): Promise<{ x: number; y: number; width: number; height: number } | null>;
}): Promise<[number, number]> {
  const box = await element.boundingBox();
  if (!box) throw new Error('expected an element on the screen, received none');
  return [box.x + box.width / 2, box.y + box.height / 2];
}
