# SPDX-License-Identifier: GPL-2.0
"""What a person sees: steps with their time, a table of flows, a verdict."""

import sys
import threading
import time

import flows

SPIN = "|/-\\"


class Screen:
    """prefix leads every line ("# " in TAP); colours and motion on a terminal."""

    def __init__(self, prefix="", out=sys.stdout):
        self.prefix = prefix
        self.out = out
        self.tty = out.isatty() and not prefix
        self.began = time.monotonic()

    def _paint(self, text, code):
        return f"\033[{code}m{text}\033[0m" if self.tty else text

    def good(self, text):
        return self._paint(text, "32")

    def bad(self, text):
        return self._paint(text, "1;31")

    def bold(self, text):
        return self._paint(text, "1")

    def dim(self, text):
        return self._paint(text, "2")

    def line(self, text=""):
        for part in text.split("\n"):
            self.out.write(f"{self.prefix}{part}".rstrip() + "\n")
        self.out.flush()

    def title(self, text):
        self.line()
        self.line(self.bold(text))

    def elapsed(self):
        seconds = time.monotonic() - self.began
        return f"{int(seconds // 60)}:{seconds % 60:04.1f}"

    def step(self, text):
        return Step(self, text)

    def table(self, result, before):
        """Flows of a phase; before: their longest gaps just before it, ms."""
        self.line(f"   {'flow':34}{'':6}{'blackout':>12}{'before':>10}{'lost':>7}")
        for flow in result.flows:
            alive = flow["alive"]
            word = f"{'alive' if alive else 'LOST':6}"
            gap = f"{flow['blackout_ms']:.0f} ms" if alive else "-"
            usual = f"{before[flow['name']]:.0f} ms" if flow["name"] in before else ""
            self.line(f"   {flows.TITLES[flow['name']]:34}"
                      f"{self.good(word) if alive else self.bad(word)}"
                      f"{gap:>12}{usual:>10}{flow['lost']:>7}")
        every = result.idle_alive == result.idle_total
        word = f"{result.idle_alive} of {result.idle_total} answer"
        self.line(f"   {'idle TCP connections':34}"
                  f"{self.good(word) if every else self.bad(word)}")
        self.line(self.dim("   before: longest gap in the quiet seconds before, "
                           "the machine's own noise"))


class Step:
    """One thing that takes a while: with screen.step("...") as step."""

    def __init__(self, screen, text):
        self.screen = screen
        self.text = text
        self.note = ""
        self._end = threading.Event()
        self._thread = None

    def _spin(self):
        turn = 0
        while not self._end.wait(0.15):
            turn += 1
            self.screen.out.write(f"\r\033[K   {SPIN[turn % 4]} {self.text} "
                                  f"{self.screen.dim(self.note)}")
            self.screen.out.flush()

    def __enter__(self):
        self._began = time.monotonic()
        if self.screen.tty:
            self._thread = threading.Thread(target=self._spin, daemon=True)
            self._thread.start()
        else:
            self.screen.line(f"   {self.screen.elapsed():>6}  {self.text} ...")
        return self

    def __exit__(self, kind, *_):
        took = time.monotonic() - self._began
        self._end.set()
        if self._thread:
            self._thread.join()
            self.screen.out.write("\r\033[K")
        word = self.screen.good("done") if kind is None else self.screen.bad("failed")
        note = f"  {self.note}" if self.note else ""
        if self.screen.tty:
            self.screen.line(f"   {self.screen.elapsed():>6}  {self.text}  {word} "
                             f"{self.screen.dim(f'{took:.1f} s{note}')}")
        else:
            self.screen.line(f"   {self.screen.elapsed():>6}  {self.text}: {word}, "
                             f"{took:.1f} s{note}")
