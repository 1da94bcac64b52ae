// Sends what an open dialog holds to the Node-RED that runs the nodes.
window.smolvlm = window.smolvlm || {};

/**
 * The address is relative: the editor may live below a path, as behind Home Assistant's ingress.
 * @param {string} path below the editor's own address
 * @param {object} dialog fields as they are in the form now
 * @param {Blob} [picture]
 * @param {(text: string) => void} [onText] receives the whole answer so far, whenever more of it has come
 * @returns the request, with `done` and `fail` as jQuery's
 */
window.smolvlm.engineRequest = (path, dialog, picture, onText) => {
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
};
