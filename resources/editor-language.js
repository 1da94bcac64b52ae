// Numbers and times as the language writes them that the editor speaks.
window.smolvlm = window.smolvlm || {};

/** The browser's own region where it is of the editor's language: en-GB, not en-US. */
window.smolvlm.editorLocale = () => {
  const language = RED.i18n.lang();
  const isOfIt = (locale) => locale.split('-')[0] === language.split('-')[0];
  return navigator.languages.find(isOfIt) ?? language;
};

/** @param {number} digits behind the decimal sign */
window.smolvlm.editorNumber = (value, digits) =>
  value.toLocaleString(window.smolvlm.editorLocale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
