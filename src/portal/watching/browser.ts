/**
 * Whether the browser's player asks again for what an answer to it leaves out, and mixes answers of the network with those of a
 * service worker where it asks by CORS: Chromium and its kin, tried. Others may, and are not made to show it.
 */
export const isChromium = (userAgent: string | undefined): boolean => userAgent?.includes('Chrome/') === true
