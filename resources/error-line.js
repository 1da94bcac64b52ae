// How dialogs and sidebar show an error.
window.smolvlm = window.smolvlm || {};

/** A line that says what went wrong, with the way out. */
window.smolvlm.errorLine = ({ code, message, hint }) => {
  const line = $('<div>', { class: 'smolvlm-error', role: 'alert' });
  $('<code>').text(code).appendTo(line);
  $('<span>').text(` ${message}`).appendTo(line);
  if (hint) $('<div>').text(hint).appendTo(line);
  return line;
};
