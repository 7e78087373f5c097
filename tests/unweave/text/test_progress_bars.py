"""Bars on a terminal: one for what is counted, and the name of what is not."""

import io
import sys

from unweave.text.progress_bars import progress_bars


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_is_counted_has_a_bar_and_what_is_not_is_named(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bars() as tell:
        tell("unlearning", 3, 4)
        tell("checking", 0, 0)
    drawn = terminal.getvalue()
    assert "unlearning" in drawn and "checking" in drawn and "working" not in drawn.split("\n")[-1]


def test_without_a_terminal_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress_bars() as tell:
        tell("checking", 0, 0)
    assert sys.stderr.getvalue() == ""
