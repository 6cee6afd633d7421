# SPDX-License-Identifier: GPL-2.0
"""What tcpdump wrote in a guest: classic pcap, this machine's byte order."""

import struct

import kernel

# Magic number by the unit, in ns, of the second half of a time.
MAGIC = {1000: 0xa1b2c3d4, 1: 0xa1b23c4d}


def packets(data, unit=1000):
    """(ns, frame) of each packet, of a capture with times of this unit (ns).

    The last one may be half written, and so may the head.
    """
    if len(data) < 24:
        return
    if struct.unpack_from("<I", data)[0] != MAGIC[unit]:
        raise kernel.Error(f"no capture with times of {unit} ns")
    at = 24
    while at + 16 <= len(data):
        sec, part, length = struct.unpack_from("<III", data, at)
        if at + 16 + length > len(data):
            break
        yield sec * 1000000000 + part * unit, data[at + 16:at + 16 + length]
        at += 16 + length
