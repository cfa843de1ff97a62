"""libtorrent as a player for bench/play.ts: TORRENT FOLDER ADDRESS:PORT PEER_ADDRESS:PORT FILE BYTES_PER_SECOND STARTED_AT

The model of bench/support/player-model.ts on pieces that libtorrent has verified, asked for by `set_piece_deadline` up
to 30 s ahead. Prints the same line of JSON. STARTED_AT: when it was started, in seconds since 1970.
"""
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))
from quiet_libtorrent import parameters_of, session_of  # noqa: E402

torrent, folder, listen, peer, film, rate, started_at = sys.argv[1:8]
rate = float(rate)
PICTURE, AHEAD, JUMP_AFTER, JUMP_TO, AFTER_JUMP, STEP = 256 * 1024, 30, 15, 0.7, 30, 0.01

session = session_of(listen)
parameters = parameters_of(torrent, folder)
handle = session.add_torrent(parameters)
handle.replace_trackers([])
host, port = peer.split(":")
handle.connect_peer((host, int(port)))
size = parameters.ti.total_size()
length = parameters.ti.piece_length()
pieces = parameters.ti.num_pieces()


def view(start, began_at, seconds):
    handle.clear_piece_deadlines()
    shown, asked, ready = 0.0, start // length, start
    left = size - start

    def look():
        nonlocal asked, ready
        end = min(pieces, int((start + shown + AHEAD * rate) // length) + 1)
        while asked < end:
            due = max(0, (asked * length - start - shown) / rate)
            handle.set_piece_deadline(asked, int(due * 1000))
            asked += 1
        while ready < size and handle.have_piece(ready // length):
            ready = min(size, (ready // length + 1) * length)
        return ready - start

    def wait():
        while look() - shown < min(PICTURE, left - shown):
            time.sleep(STEP)

    wait()
    first_at = last_at = time.time()
    stalls, stalled = 0, 0.0
    until = min(left, seconds * rate)
    while shown < until:
        time.sleep(STEP)
        now = time.time()
        shown = min(left, shown + rate * (now - last_at))
        last_at = now
        have = look()
        if shown <= have or have >= left:
            continue
        stalls += 1
        shown = have
        wait()
        last_at = time.time()
        stalled += last_at - now
    return first_at - began_at, stalls, stalled


first = view(0, float(started_at), JUMP_AFTER)
second = view(int(size * JUMP_TO), time.time(), AFTER_JUMP)
result = {
    "startSeconds": round(first[0], 3),
    "seekSeconds": round(second[0], 3),
    "stalls": first[1] + second[1],
    "stalledSeconds": round(first[2] + second[2], 3),
}
print(json.dumps(result), flush=True)
