/** The fields of an open dialog, saved or not. */
export type DialogValues = Readonly<Record<string, unknown>>;

/**
 * Sends the fields of an open dialog to the Node-RED that runs the nodes. The address is relative: the editor may be
 * served below a path, e.g. by Home Assistant's ingress.
 * @param path below the editor's own address
 * @param onText receives the whole answer so far whenever more of it arrives
 */
export function engineRequest(
  path: string,
  dialog: DialogValues,
  picture?: Blob,
  onText?: (text: string) => void,
): JQuery.jqXHR {
  const form = new FormData();
  form.append('dialog', JSON.stringify(dialog));
  if (picture) form.append('picture', picture);
  return $.ajax({
    url: path,
    type: 'POST',
    data: form,
    processData: false,
    contentType: false,
    xhr: () => {
      const xhr = new XMLHttpRequest();
      if (onText) xhr.addEventListener('progress', () => onText(xhr.responseText));
      return xhr;
    },
  });
}
