"""Calls: who is calling, where to, and two legs bridged; no I/O, time is a parameter."""
