"""A line that delays and loses packets, between two network namespaces: a TUN device in each, and this process between.

NAMESPACE_A NAMESPACE_B DELAY_MS LOSS MBIT SEED: each packet is lost with the chance LOSS (0.01: one of a hundred); the
others leave as fast as MBIT allows each way, wait DELAY_MS, and arrive in order. What waits for its turn is at most what
passes in 100 ms: more is dropped, as a router does. MBIT 0: no limit.

To be started in a namespace of its own. Prints "ready" when both devices ("line") are there and up, and on SIGTERM one
line of JSON: what passed, was lost by chance, and was dropped at a full queue, each way.
"""
import fcntl
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
QUEUE_SECONDS = 0.1
PACKET_MAX = 65_536
# Packets taken from one side before the other has its turn.
BATCH = 64

namespaces = sys.argv[1:3]
delay, loss, bytes_per_second = float(sys.argv[3]) / 1e3, float(sys.argv[4]), float(sys.argv[5]) * 125_000
seed = int(sys.argv[6])


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


def open_line(namespace, index):
    """The device is made here and moved there; what it is read and written through stays with us."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    name = f"line{index}"
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_WITHOUT_HEADER))
    ip("link", "set", name, "txqueuelen", "10000", "netns", namespace)
    ip("-n", namespace, "link", "set", name, "name", "line", "up")
    return device


class Way:
    """From one side to the other."""

    def __init__(self, source, target, number):
        self.source, self.target = source, target
        self.random = random.Random(f"{seed} {number}")
        self.waiting = deque()  # (when it arrives, packet)
        self.free_at = 0.0  # when the last one that was taken has left
        self.passed = self.lost = self.dropped = 0

    def take(self, now):
        for _ in range(BATCH):
            try:
                packet = os.read(self.source, PACKET_MAX)
            except BlockingIOError:
                return
            if self.random.random() < loss:
                self.lost += 1
                continue
            leaves_at = max(now, self.free_at)
            if leaves_at - now > QUEUE_SECONDS:
                self.dropped += 1
                continue
            if bytes_per_second > 0:
                leaves_at += len(packet) / bytes_per_second
            self.free_at = leaves_at
            self.waiting.append((leaves_at + delay, packet))

    def give(self, now):
        while self.waiting and self.waiting[0][0] <= now:
            try:
                os.write(self.target, self.waiting.popleft()[1])
                self.passed += 1
            except OSError:  # the other side is going down
                self.dropped += 1

    def counts(self):
        return {"passed": self.passed, "lost": self.lost, "dropped": self.dropped}


def stop(*_):
    raise SystemExit


signal.signal(signal.SIGTERM, stop)
first, second = (open_line(namespace, index) for index, namespace in enumerate(namespaces))
ways = [Way(first, second, 0), Way(second, first, 1)]
print("ready", flush=True)
try:
    while True:
        due = min((way.waiting[0][0] for way in ways if way.waiting), default=None)
        timeout = None if due is None else max(0.0, due - time.monotonic())
        select.select([first, second], [], [], timeout)
        for way in ways:
            way.take(time.monotonic())
        for way in ways:
            way.give(time.monotonic())
finally:
    print(json.dumps([way.counts() for way in ways]), flush=True)
