# SPDX-License-Identifier: GPL-2.0
"""Slots for guests that several programs share, so that together they start no more than
this machine can bear. A slot is a file; who has its lock has the slot, and no longer than
he lives."""

import contextlib
import fcntl
import os
import pathlib
import time

LOOK = 0.2      # s between two looks for a slot
GUESTS = 2      # at a time: more make heartbeats late on two cores


class Slots:
    """count slots in a directory, which is made; None: as many as anybody wants."""

    def __init__(self, directory, count):
        self.paths = []
        if directory:
            pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
            self.paths = [f"{directory}/{number}" for number in range(count)]

    @contextlib.contextmanager
    def slot(self):
        """Wait for a slot, and have it."""
        fd = self._take(self.paths) if self.paths else None
        try:
            yield
        finally:
            if fd is not None:
                os.close(fd)
                # longer than others wait between two looks: it is their turn
                time.sleep(2 * LOOK)

    def _take(self, paths):
        while True:
            for path in paths:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    return fd
                except BlockingIOError:
                    os.close(fd)
            time.sleep(LOOK)
