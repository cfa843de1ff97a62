/** The peer engine that seeder and client share. */
export { startEngine } from './engine.ts'
export { tcpNetwork } from './tcp-network.ts'
export { fetchAnnounce, type FetchAnnounce } from './tracker-http.ts'
export type * from './engine-types.ts'
export type { Connection, ConnectionHandler, Network, NetworkListener } from './network.ts'
export type { PeerGuard, PeerPass } from './guard.ts'
