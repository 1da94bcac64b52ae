interface DialogTabs {
  /** Id of the list of tabs. */
  readonly list: string;
  /** Selector of the element whose children are the tabs' contents. */
  readonly content: string;
  /** Ids of the contents begin so, and end in a tab's name. */
  readonly prefix: string;
  readonly names: readonly string[];
  readonly label: (name: string) => string;
  readonly onShow?: () => void;
}

/** The tabs of a dialog. @returns shows the tab of a name */
export function dialogTabs({
  list,
  content,
  prefix,
  names,
  label,
  onShow,
}: DialogTabs): (name: string) => void {
  const tabs = RED.tabs.create({
    id: list,
    onchange: ({ id }) => {
      $(content).children().hide();
      $(`#${id}`).show();
      onShow?.();
    },
  });
  for (const name of names) tabs.addTab({ id: prefix + name, label: label(name) });
  return (name) => tabs.activateTab(prefix + name);
}
