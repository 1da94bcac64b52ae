// The parts of Node-RED's editor that dialogs and sidebar use. The published typings lack most of them: validators with
// a message, RED.editor.createEditor, RED.sidebar, plugins and the typed input.

/** Values that a text of the catalog is filled in with. */
type CatalogValues = object;

/** What every node of the editor has. */
interface EditorNode {
  readonly id: string;
  readonly type: string;
  name?: string;
  /** A text of the catalog, in the editor's language. */
  _(key: string, values?: CatalogValues): string;
  readonly _def: { readonly defaults: Readonly<Record<string, EditorProperty>> };
}

/** Present when the caller shows a message: then a fault is returned as text, otherwise as false. */
type ValidatorOptions = object | undefined;

interface EditorProperty {
  readonly value: unknown;
  readonly type?: string;
  readonly required?: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: each dialog has its own type of node
  validate?(this: any, value: string, options?: ValidatorOptions): boolean | string;
}

interface NodeEditorDefinition {
  readonly category: string;
  readonly color?: string;
  readonly defaults: Readonly<Record<string, EditorProperty>>;
  readonly credentials?: Readonly<Record<string, { readonly type: 'text' | 'password' }>>;
  readonly inputs?: number;
  readonly outputs?: number;
  readonly icon?: string;
  readonly inputLabels?: () => string;
  readonly outputLabels?: (index: number) => string;
  readonly paletteLabel?: () => string;
  readonly label?: () => string;
  readonly labelStyle?: () => string;
  readonly oneditprepare?: () => void;
  // biome-ignore lint/suspicious/noConfusingVoidType: true tells the editor that something changed
  readonly oneditsave?: () => boolean | void;
  readonly oneditcancel?: () => void;
  readonly oneditresize?: () => void;
}

/** A node of the flow, with what Node-RED shows below it. */
interface StatusNode {
  readonly status?: { text?: string };
  dirtyStatus?: boolean;
}

/** A tab of the sidebar. */
interface SidebarTab {
  readonly id: string;
  readonly label: string;
  readonly name: string;
  readonly iconClass: string;
  readonly content: JQuery;
  readonly enableOnEdit: boolean;
  readonly visible: boolean;
  readonly onchange: () => void;
}

/** Ace or Monaco, as the editor is set up. */
interface TextEditor {
  getValue(): string;
  setValue(text: string): void;
  resize(): void;
  destroy(): void;
  getSession(): { on(event: 'change', listener: () => void): void };
}

interface EditorPlugin {
  _(key: string, values?: CatalogValues): string;
}

declare const RED: {
  /** A text of the editor's own catalog, or of the one that the key names: `MODULE/SET:key`. */
  _(key: string, values?: CatalogValues): string;
  readonly nodes: {
    registerType<Node extends EditorNode>(
      type: string,
      definition: NodeEditorDefinition & ThisType<Node>,
    ): void;
    filterNodes(filter: { readonly type: string }): readonly EditorNode[];
    node(id: string): StatusNode | undefined;
  };
  readonly comms: {
    subscribe<Data>(topic: string, listener: (topic: string, data: Data) => void): void;
  };
  readonly view: { redrawStatus(node: StatusNode): void };
  readonly validators: {
    typedInput(
      field: string | { readonly typeField: string; readonly allowBlank: boolean },
    ): NonNullable<EditorProperty['validate']>;
  };
  readonly tabs: {
    create(options: { readonly id: string; readonly onchange: (tab: { readonly id: string }) => void }): {
      addTab(tab: { readonly id: string; readonly label: string }): void;
      activateTab(id: string): void;
    };
  };
  readonly editor: {
    createEditor(options: { readonly id: string; readonly mode: string; readonly value: string }): TextEditor;
    editText(options: {
      readonly mode: string;
      readonly value: string;
      readonly complete: (text: string) => void;
    }): void;
  };
  readonly plugins: {
    registerPlugin(
      id: string,
      definition: { readonly type: string; readonly onadd: () => void } & ThisType<EditorPlugin>,
    ): void;
  };
  readonly sidebar: {
    addTab(tab: SidebarTab): void;
    removeTab(id: string): void;
  };
  readonly settings: {
    get<T>(key: string, standard: T): T;
    set(key: string, value: unknown): void;
  };
  readonly events: { on(event: string, listener: (value: string) => void): void };
  readonly i18n: { lang(): string };
  notify(text: string, options: { readonly type: string; readonly timeout: number }): void;
};

declare const $: JQueryStatic;

type TypedInputType =
  | string
  | {
      readonly value: string;
      readonly label: string;
      readonly icon: string;
      readonly expand: (this: { value(): string; value(text: string): void }) => void;
    };

interface JQuery {
  typedInput(options: {
    readonly default: string;
    readonly typeField: JQuery;
    readonly types: readonly TypedInputType[];
  }): this;
  typedInput(method: 'types', types: readonly TypedInputType[]): this;
  typedInput(method: 'type', type: string): this;
  typedInput(method: 'type'): string;
  typedInput(method: 'value', value: string): this;
  editableList(options: {
    readonly addItem: (row: JQuery, index: number, item: never) => void;
    readonly removable: boolean;
    readonly sortable: boolean;
    readonly removeItem?: (item: never) => void;
  }): this;
  editableList(method: 'addItem', item: object): this;
  editableList(method: 'height', pixels: number): this;
  editableList(method: 'items'): JQuery;
}
