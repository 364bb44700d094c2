"""`certd`: looks after our own certificates and after what is said of those of others, then ends.

Ours are those that the site file names under `acme`; `revocation` says how the authorities of others are asked.
Exit status: 0 all of it serves, 1 something could not be obtained, 2 the site file or the store cannot be used.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from certd import revocation
from certd.authority import Authority
from certd.errors import AuthorityError, CertdError
from certd.revocation import Authorities
from certd.store import Store
from vdx import site
from vdx.errors import VdxError
from vdx.site.model import Site
from vdx.site.revocation import Revocation

SITE = Path("/etc/vdx/site.yaml")
STORE = Path("/var/lib/vdx/certificates")
MET = Path("/run/vdx/met")

log = logging.getLogger("certd")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        wanted, store = site.load(options.site).site, Store(options.store)
        told = wanted.revocation is None or _ask_others(wanted, wanted.revocation, store, options.met)
        return 0 if _look_after(wanted, store, options.force) and told else 1
    except VdxError as error:
        log.error("%s", error)  # noqa: TRY400 - the sentence says it all
        return 1 if isinstance(error, AuthorityError) else 2


def _look_after(wanted: Site, store: Store, force: Sequence[str]) -> bool:
    """Obtain what is due; tells whether everything serves. The pairs before stay until the next time: one may read."""
    store.sweep()
    if wanted.acme is None:
        log.info("certificates: the site file names no authority")
        return True
    unknown = set(force) - set(wanted.acme.certificates)
    if unknown:
        raise CertdError(f"the site file names no certificate {min(unknown)!r} under `acme`")
    now = datetime.now(UTC)
    due: dict[str, str] = {}
    for label, names in wanted.acme.certificates.items():
        why = "it was asked for" if label in force else store.due(label, names, now)
        if why:
            due[label] = why
        else:
            log.info("certificate.serves label=%s", label)
    if not due:
        return True
    addresses = [one.ip for one in wanted.zones[wanted.acme.zone].addresses]
    authority = Authority(wanted.acme, addresses, store)
    failed = False
    for label, why in due.items():
        log.info("certificate.due label=%s: %s", label, why)
        try:
            store.put(label, *authority.obtain(wanted.acme.certificates[label]), datetime.now(UTC))
            log.info("certificate.obtained label=%s", label)
        except AuthorityError as error:  # the others may have more luck; the timer tries again
            log.error("certificate.refused label=%s: %s", label, error)  # noqa: TRY400 - the sentence says it all
            failed = True
    return not failed


def _ask_others(wanted: Site, asked: Revocation, store: Store, met: Path) -> bool:
    """Fetch lists, and ask about whom `b2bua` has met; tells whether everybody answered."""
    fetch = Authorities(str(wanted.zones[asked.zone].addresses[0].ip)).fetch
    until = time.monotonic() + revocation.RUN_SECONDS
    failed = False
    known = revocation.known_authorities(_trusted(wanted), met) if asked.lists else []
    for label, url in asked.lists.items():
        try:
            revocation.fetch_list(fetch, store.root, label, url, known)
            log.info("list.fetched label=%s", label)
        except CertdError as error:  # the list before counts until its own end
            log.error("list.refused label=%s: %s", label, error)  # noqa: TRY400 - the sentence says it all
            failed = True
    for noted in sorted(met.glob("*.pem"))[: revocation.MAX_MET]:
        if time.monotonic() > until:
            log.error("answers.late: authorities let us wait; the next run goes on")
            return False
        try:
            if revocation.ask_about(fetch, store.root, noted, datetime.now(UTC)):
                log.info("answer.fetched certificate=%s", noted.stem)
        except CertdError as error:
            log.error("answer.refused certificate=%s: %s", noted.stem, error)  # noqa: TRY400 - as above
            failed = True
    revocation.sweep(store.root, met)
    return not failed


def _trusted(wanted: Site) -> list[str]:
    """Give the files that say which authorities count, each once."""
    listeners = [one.trust for zone in wanted.zones.values() for one in zone.sip]
    return list(dict.fromkeys(path for path in [*listeners, *(one.trust for one in wanted.peers.values())] if path))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="certd", description="Obtain and renew the certificates of public names.")
    parser.add_argument("--site", type=Path, default=SITE, metavar="FILE", help=f"the site file ({SITE})")
    parser.add_argument("--store", type=Path, default=STORE, metavar="DIR", help=f"where they are kept ({STORE})")
    parser.add_argument("--met", type=Path, default=MET, metavar="DIR", help=f"whom b2bua has met ({MET})")
    parser.add_argument("--force", action="append", default=[], metavar="LABEL", help="obtain this one anew at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
