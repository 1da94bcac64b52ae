/** The question of a request that does not say another. */
export const defaultPrompt = 'Describe this image.';
