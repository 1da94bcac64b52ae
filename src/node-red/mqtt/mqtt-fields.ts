// The dialog of smolvlm-mqtt, in the form that dialog and runtime share.

/** Quality of service of what is published. */
export const qosChoices = ['0', '1', '2'] as const;
