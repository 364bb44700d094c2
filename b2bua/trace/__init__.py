"""What was said in a call: every message of both its legs and what happened beside them, kept for whoever asks later.

Taken where messages are plain, so TLS shows like UDP. Secrets are taken out on entry (`redact`), and what is kept is
bounded (`limits`). No I/O: time is handed in, and `taps` see each entry as it comes.
"""

from b2bua.trace.call_trace import CallTrace
from b2bua.trace.entry import Entry, Message, Note
from b2bua.trace.traces import Tap, Traces

__all__ = ["CallTrace", "Entry", "Message", "Note", "Tap", "Traces"]
