"""libtorrent as a program: SOURCE (a .torrent file or a magnet), FOLDER, ADDRESS; see stock-clients-lines.ts."""
import json
import select
import signal
import sys

import libtorrent as lt

SETTINGS = {
    'enable_dht': False,
    'enable_lsd': False,
    'enable_upnp': False,
    'enable_natpmp': False,
    'enable_incoming_utp': False,
    'enable_outgoing_utp': False,
    'min_announce_interval': 1,
    'stop_tracker_timeout': 1,
    'alert_mask': lt.alert.category_t.tracker_notification
    | lt.alert.category_t.status_notification
    | lt.alert.category_t.error_notification,
}
QUIET = lt.torrent_flags.disable_dht | lt.torrent_flags.disable_lsd | lt.torrent_flags.disable_pex


def tell(**line):
    print(json.dumps(line), flush=True)


def main(source, folder, address):
    # On every interface it would announce from the loopback too, and report that as a failure.
    session = lt.session({**SETTINGS, 'listen_interfaces': f'{address}:51413'})
    if source.startswith('magnet:'):
        wanted = lt.parse_magnet_uri(source)
    else:
        wanted = lt.add_torrent_params()
        wanted.ti = lt.torrent_info(source)
    wanted.save_path = folder
    wanted.flags = (wanted.flags | QUIET) & ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    torrent = session.add_torrent(wanted)
    last = None
    while True:
        for alert in session.pop_alerts():
            print(f'{alert.what()}: {alert.message()}', file=sys.stderr, flush=True)
            if isinstance(alert, lt.tracker_error_alert):
                tell(trackerError=alert.failure_reason() or alert.error_message() or alert.error.message())
            elif isinstance(alert, lt.tracker_reply_alert):
                tell(trackerError=None)
        status = torrent.status()
        now = {'isComplete': bool(status.is_seeding), 'peers': status.num_peers}
        if now != last:
            tell(**now)
            last = now
        readable, _, _ = select.select([sys.stdin], [], [], 0.1)
        if readable:
            command = sys.stdin.readline()
            if command == '':
                return
            if command.strip() == 'reannounce':
                torrent.force_reannounce(0, -1, lt.reannounce_flags_t.ignore_min_interval)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
main(*sys.argv[1:])
