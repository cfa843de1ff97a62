/** The bridge to browsers: our engine over WebRTC data channels, in a process of its own. */
export { GatewayCache } from './cache.ts'
export { gatewaySettings, type GatewaySettings } from './settings.ts'
export { startGateway, type GatewayOptions, type GatewayParts, type RunningGateway } from './start-gateway.ts'
export type { GatewayContent } from './watched-releases.ts'
