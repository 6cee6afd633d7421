#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""A BGP speaker that says what it is told to, for tests/bgp.sh.

usage: bgp_peer.py listen|connect LOCAL PORT REMOTE AS [MESSAGE...]

Once the session is established it sends each MESSAGE, "TYPE:HEX" (what follows the head)
or "raw:HEX", answers nothing but keepalives, and prints a line for each event: "up",
"notification CODE/SUBCODE", "end".
"""
import socket
import struct
import sys

MARKER = b"\xff" * 16


def message(kind, body=b""):
    return MARKER + struct.pack(">HB", 19 + len(body), kind) + body


def open_body(number, router_id):
    capabilities = b"".join([
        b"\x01\x04\x00\x01\x00\x01", b"\x01\x04\x00\x02\x00\x01", b"\x02\x00", b"\x06\x00",
        b"\x41\x04" + struct.pack(">I", number),
    ])
    parameters = bytes([2, len(capabilities)]) + capabilities
    return struct.pack(">BHH4sB", 4, number if number < 65536 else 23456, 30,
                       socket.inet_aton(router_id), len(parameters)) + parameters


def read_exactly(connection, count):
    data = b""
    while len(data) < count:
        some = connection.recv(count - len(data))
        if not some:
            raise ConnectionError
        data += some
    return data


def connection_of(how, local, port, remote):
    if how == "listen":
        server = socket.create_server((local, port), reuse_port=True)
        return server.accept()[0]
    return socket.create_connection((remote, port), source_address=(local, 0), timeout=30)


def main():
    how, local, port, remote, number = sys.argv[1:6]
    connection = connection_of(how, local, int(port), remote)
    connection.settimeout(60)
    connection.sendall(message(1, open_body(int(number), local)))
    up = False
    try:
        while True:
            head = read_exactly(connection, 19)
            body = read_exactly(connection, struct.unpack(">H", head[16:18])[0] - 19)
            if head[18] == 3:
                print(f"notification {body[0]}/{body[1]}", flush=True)
            elif head[18] == 1:
                connection.sendall(message(4))
            elif head[18] == 4:
                connection.sendall(message(4))
                if not up:
                    up = True
                    print("up", flush=True)
                    for text in sys.argv[6:]:
                        kind, data = text.split(":")
                        data = bytes.fromhex(data)
                        connection.sendall(data if kind == "raw" else message(int(kind), data))
    except OSError:
        print("end", flush=True)


main()
