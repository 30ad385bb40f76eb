"""Connects to the master of a load, as anybody on this machine can, and sends it what no worker would.

`python stranger.py PORT`; it ends once all was sent.
"""

import sys

import locust
import zmq
from locust.rpc.protocol import Message

ADDRESS = f"tcp://127.0.0.1:{sys.argv[1]}"
STATUS = {"acknowledged": 5, "errors": 0, "late": 0, "cpu_percent": 1.0, "memory_mib": 1.0}

socket = zmq.Context.instance().socket(zmq.DEALER)
socket.setsockopt(zmq.IDENTITY, b"stranger")
socket.connect(ADDRESS)
for raw in (b"", b"\xc1garbage", b"\x93\xa1x", b"\x91\xa1x"):
    socket.send(raw)
socket.send_multipart([b"a", b"b", b"c"])
for name, data in (
    ("client_ready", locust.__version__),
    ("load-hello", {"place": "here/1"}),
    ("load-hello", None),
    ("load-hello", {"place": ["here/1"]}),
    ("load-hello", {"place": "here/1", "token": ""}),
    ("load-hello", {"place": "here/1", "token": 7}),
    ("load-hello", {"place": "here/1", "token": "\u00fc" * 1000}),
    ("load-hello", {"place": "here/9"}),
    ("load-status", {}),
    ("load-refused", {"problems": ["no"]}),
    ("load-done", STATUS),
    ("heartbeat", {}),
    ("spawning", None),
    ("stats", {}),
    ("quit", None),
):
    socket.send(Message(name, data, "stranger").serialize())
socket.close(linger=5000)
zmq.Context.instance().term()
