"""One libtorrent peer for bench/one-to-one.ts: TORRENT FOLDER MODE(seed|leech) PORT [PEER_PORT]; and for bench/lab:
the same with ADDRESS:PORT and without PEER_PORT, so that it finds peers by the trackers of the torrent.

Prints "ready" when it listens, "done SECONDS" when every byte is verified and written; ends when its standard
input is closed. Everything that a company's network would not want is off: DHT, local discovery, UPnP, uTP.
"""
import sys
import time

began = time.monotonic()
import libtorrent as lt  # noqa: E402

torrent, folder, mode, listen = sys.argv[1:5]
is_local = ":" not in listen  # on loopback, where all peers have one address
session = lt.session(
    {
        "listen_interfaces": listen if ":" in listen else f"127.0.0.1:{listen}",
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "enable_outgoing_utp": False,
        "enable_incoming_utp": False,
        "out_enc_policy": 2,
        "in_enc_policy": 2,
        "allow_multiple_connections_per_ip": is_local,
        "alert_mask": lt.alert.category_t.status_notification | lt.alert.category_t.storage_notification,
    }
)
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(torrent)
parameters.save_path = folder
parameters.flags &= ~lt.torrent_flags.auto_managed
parameters.flags &= ~lt.torrent_flags.paused
if mode == "seed":
    parameters.flags |= lt.torrent_flags.seed_mode
handle = session.add_torrent(parameters)
print("ready", flush=True)
if mode == "leech":
    if len(sys.argv) > 5:
        handle.connect_peer(("127.0.0.1", int(sys.argv[5])))
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
