"""One libtorrent peer under rate limits, for bench/rate-limits.ts: TORRENT FOLDER MODE(seed|leech) PORT DOWN UP [PEER_PORT].

DOWN and UP are bytes a second, 0 for no limit. libtorrent exempts machines of the local network from its limits, and so
everybody on loopback: here that is switched off. Prints "ready"; ends when its standard input is closed.
"""
import select
import sys

import libtorrent as lt

from quiet_libtorrent import parameters_of, session_of

torrent, folder, mode, listen, down, up = sys.argv[1:7]
session = session_of(
    f"127.0.0.1:{listen}",
    allow_multiple_connections_per_ip=True,
    download_rate_limit=int(down),
    upload_rate_limit=int(up),
)
everybody = lt.ip_filter()
everybody.add_rule("0.0.0.0", "255.255.255.255", 1 << session.global_peer_class_id)
session.set_peer_class_filter(everybody)
handle = session.add_torrent(parameters_of(torrent, folder, mode))
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 1)[0]:
    if len(sys.argv) > 7 and handle.status().num_peers == 0:
        handle.connect_peer(("127.0.0.1", int(sys.argv[7])))
