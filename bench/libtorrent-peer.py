"""One libtorrent peer for bench/one-to-one.ts: TORRENT FOLDER MODE(seed|leech) PORT [PEER_PORT]; for bench/lossy.ts
the same with ADDRESS:PORT of both and "utp" after them where it may use that; and for bench/lab with ADDRESS:PORT and
without a peer, so that it finds peers by the trackers of the torrent.

Prints "ready" when it listens, "done SECONDS" when every byte is verified and written; ends when its standard
input is closed.
"""
import sys
import time
from pathlib import Path

began = time.monotonic()
import libtorrent as lt  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent / "support"))
from quiet_libtorrent import parameters_of, session_of  # noqa: E402

torrent, folder, mode, listen = sys.argv[1:5]
has_utp = "utp" in sys.argv[5:]
peers = [argument for argument in sys.argv[5:] if argument != "utp"]
is_local = ":" not in listen  # on loopback, where all peers have one address
session = session_of(
    listen if ":" in listen else f"127.0.0.1:{listen}",
    allow_multiple_connections_per_ip=is_local,
    enable_outgoing_utp=has_utp,
    enable_incoming_utp=has_utp,
    connections_limit=1_000,  # 200 as it comes, which bench/many-peers.ts fills
    alert_mask=lt.alert.category_t.status_notification | lt.alert.category_t.storage_notification,
)
handle = session.add_torrent(parameters_of(torrent, folder, mode))
print("ready", flush=True)
if mode == "leech":
    for peer in peers:
        address, _, port = peer.rpartition(":")
        handle.connect_peer((address or "127.0.0.1", int(port)))
    while not handle.status().is_seeding:
        session.wait_for_alert(50)
        session.pop_alerts()
    handle.flush_cache()
    is_flushed = False
    while not is_flushed:
        session.wait_for_alert(50)
        is_flushed = any(isinstance(a, lt.cache_flushed_alert) for a in session.pop_alerts())
    print(f"done {time.monotonic() - began:.3f}", flush=True)
sys.stdin.read()
