#!/usr/bin/python3
"""Prints, once each, to whom this machine (a network namespace) sends: a JSON line a destination, on every interface.

Frames that leave count, and all of loopback. What the kernel sends of itself (ICMPv6: neighbours, routers, multicast
listeners; IGMP) is left out; an ARP request counts, since it says whom somebody here wants to reach.
"""
import ipaddress
import json
import socket
import struct

PACKET_OUTGOING = 4
ETH_P_ALL = 3


def destination(frame):
    kind = struct.unpack("!H", frame[12:14])[0]
    body = frame[14:]
    if kind == 0x0806 and len(body) >= 28 and body[6:8] == b"\0\1":
        return {"what": "arp", "to": str(ipaddress.ip_address(body[24:28])), "port": 0}
    if kind == 0x0800 and len(body) >= 20:
        head = 4 * (body[0] & 15)
        return with_port(body[9], body[16:20], body[head:])
    if kind == 0x86DD and len(body) >= 40:
        return with_port(body[6], body[24:40], body[40:])
    return None


def with_port(protocol, address, payload):
    what = {6: "tcp", 17: "udp"}.get(protocol)
    if protocol in (2, 58, 0):
        return None
    port = struct.unpack("!H", payload[2:4])[0] if what and len(payload) >= 4 else 0
    return {"what": what or str(protocol), "to": str(ipaddress.ip_address(address)), "port": port}


def main():
    sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(ETH_P_ALL))
    print(json.dumps({"event": "listening"}), flush=True)
    seen = set()
    while True:
        frame, (interface, _, direction, *_) = sniffer.recvfrom(65535)
        if interface != "lo" and direction != PACKET_OUTGOING:
            continue
        found = destination(frame)
        # ports of our own choosing are many and say nothing; the first 50 of an address do
        if found is None or tuple(found.values()) in seen or len(seen) > 10000:
            continue
        seen.add(tuple(found.values()))
        print(json.dumps({"event": "sent", **found}), flush=True)


main()
