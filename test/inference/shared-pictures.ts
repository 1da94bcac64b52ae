import { PicturePool } from '../../src/image/pool/picture-pool';

/** Prepares the pictures of all captioners in this process; an idle thread does not keep the process running. */
export const sharedPictures = new PicturePool();
