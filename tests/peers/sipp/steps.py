"""A sipp scenario as a list of steps, and its XML (sipp 3.6 documentation, "Create your own XML scenarios")."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message; `retransmit` is RFC 3261's T1 in ms over UDP, 0 for what is never repeated."""

    text: str
    retransmit: int = 0

    def xml(self) -> str:
        """Write the step."""
        again = f' retrans="{self.retransmit}"' if self.retransmit else ""
        lines = self.text.replace("\r\n", "\n").strip("\n")
        return f"  <send{again}><![CDATA[\n\n{lines}\n\n  ]]></send>"


@dataclass(frozen=True, slots=True)
class Expect:
    """Wait for a response (a status) or a request (a method); anything else fails the call.

    `keep` names variables and what fills them: a header field and a regular expression. `routes` keeps the remote
    target and the route set of the dialog for ``[next_url]`` and ``[routes]``.
    """

    what: int | str
    optional: bool = False
    routes: bool = False
    keep: tuple[tuple[str, str, str], ...] = ()
    within: int = 10_000

    def xml(self) -> str:
        """Write the step."""
        kind = "response" if isinstance(self.what, int) else "request"
        # `global` lets an optional answer come at any later time too, as it does over UDP.
        extra = ' optional="global"' if self.optional else f' timeout="{self.within}"'
        extra += ' rrs="true"' if self.routes else ""
        actions = "".join(
            f'<ereg regexp={quoteattr(pattern)} search_in="hdr" header={quoteattr(header + ":")} assign_to="{name}"/>'
            for name, header, pattern in self.keep
        )
        inside = f"<action>{actions}</action>" if actions else ""
        return f'  <recv {kind}="{self.what}"{extra}>{inside}</recv>'


@dataclass(frozen=True, slots=True)
class Pause:
    """Do nothing for a while."""

    milliseconds: int

    def xml(self) -> str:
        """Write the step."""
        return f'  <pause milliseconds="{self.milliseconds}"/>'


Step = Send | Expect | Pause


def scenario(name: str, steps: Sequence[Step]) -> str:
    """Write a whole scenario."""
    kept = {variable for step in steps if isinstance(step, Expect) for variable, _, _ in step.keep}
    # sipp refuses a variable that is assigned and used nowhere else
    references = f"  <Reference variables={quoteattr(','.join(sorted(kept)))}/>\n" if kept else ""
    body = "\n".join(step.xml() for step in steps)
    return f"{HEAD}<scenario name={quoteattr(name)}>\n{body}\n{references}</scenario>\n"
