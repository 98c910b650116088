"""Wake-on-LAN: what the network cards of powered-off nodes do. One process listens on the bridge of the lab, in its namespace, and boots
the node whose address stands in a magic packet: in a UDP broadcast or in any other Ethernet frame, as cards see it.

Owns run/wakes.jsonl: a line for each packet that named a node: time, source (MAC of the sender), node, woken.
A node whose cable is cut hears nothing; one that is on is left alone.
"""

import json
import os
import pathlib
import re
import socket
import struct
import subprocess
import sys
import time

from . import network
from .errors import LabError
from .shell import clean_env, tool

MAGIC = re.compile(rb"\xff{6}(.{6})\1{15}", re.DOTALL)
ETH_P_ALL, SOL_PACKET, ADD_MEMBERSHIP, PROMISCUOUS = 3, 263, 1, 1
FRAME_MAX = 2048


def start(lab, net):
    """Start the listener; it ends with the namespaces of the lab."""
    script = pathlib.Path(__file__).resolve().parents[1] / "lab.py"
    with open(lab.run / "wakes.log", "ab") as log:
        subprocess.Popen([tool("nsenter", "util-linux"), f"--net={network.NETNS_DIR / net.ctl}", sys.executable, str(script), "--lab", lab.name,
                          "listen-for-wakes"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=clean_env(), start_new_session=True, cwd="/")


def listen(lab):
    """Serve until somebody kills us."""
    nodes = {node.mac: node for node in lab.nodes()}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)) as bridge:
        bridge.bind(("br0", ETH_P_ALL))
        index = socket.if_nametoindex("br0")
        bridge.setsockopt(SOL_PACKET, ADD_MEMBERSHIP, struct.pack("IHH8s", index, PROMISCUOUS, 0, b""))  # frames for cards that are off, too
        while True:
            frame = bridge.recv(FRAME_MAX)
            for mac in wanted(frame):
                if mac in nodes:
                    wake(lab, nodes[mac], text_of(frame[6:12]))


def wanted(frame):
    """The addresses of all magic packets in a frame."""
    return [text_of(match.group(1)) for match in MAGIC.finditer(frame)]


def text_of(raw):
    return ":".join(f"{byte:02x}" for byte in raw)


def wake(lab, node, source):
    try:
        woken = node.net.port_is_up(node.name) and node.power_on()
    except LabError as error:  # one node that cannot boot does not make the others deaf
        print(error, file=sys.stderr, flush=True)
        woken = False
    line = json.dumps({"time": time.time(), "source": source, "node": node.name, "woken": bool(woken)}) + "\n"
    handle = os.open(lab.run / "wakes.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
