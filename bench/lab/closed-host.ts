/**
 * A host that accepts no connection, for whatever program runs on it: its kernel drops the first packet of each TCP
 * connection that somebody else begins, in silence, as a firewall or a NAT without forwarding does. By tc and a classic
 * BPF program, which every kernel with traffic control has; iptables and nftables need not be installed.
 */

const IPV4 = 0x0800
const TCP = 6
const SYN = 0x02
const SYN_AND_ACK = 0x12
/** In a frame with an IPv4 header without options: where its type, its protocol and the flags of TCP are. */
const AT = { type: 12, protocol: 23, flags: 47 } as const
const OP = { loadHalf: 40, loadByte: 48, and: 84, ifEqual: 21, answer: 6 } as const
/** What tc does with the packet. */
const PASS = 0
const DROP = 2

/** Of each instruction: operation, how many to skip if it is true, if it is false, its number. */
const PROGRAM = [
  [OP.loadHalf, 0, 0, AT.type],
  [OP.ifEqual, 0, 5, IPV4],
  [OP.loadByte, 0, 0, AT.protocol],
  [OP.ifEqual, 0, 3, TCP],
  [OP.loadByte, 0, 0, AT.flags],
  [OP.and, 0, 0, SYN_AND_ACK],
  [OP.ifEqual, 1, 0, SYN],
  [OP.answer, 0, 0, PASS],
  [OP.answer, 0, 0, DROP],
] as const

/** For `tc -batch` in the host. */
export const DROP_INCOMING_CONNECTIONS: readonly string[] = [
  'qdisc add dev eth0 ingress',
  'filter add dev eth0 parent ffff: protocol ip prio 1 bpf bytecode ' +
    `"${[PROGRAM.length, ...PROGRAM.map((line) => line.join(' '))].join(',')}" direct-action`,
]
