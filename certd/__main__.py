"""`certd`: looks after every certificate that the site file names under `acme`, then ends.

Exit status: 0 all of them serve, 1 one of them could not be obtained, 2 the site file or the store cannot be used.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from certd.authority import Authority
from certd.errors import AuthorityError, CertdError
from certd.store import Store
from vdx import site
from vdx.errors import VdxError
from vdx.site.model import Site

SITE = Path("/etc/vdx/site.yaml")
STORE = Path("/var/lib/vdx/certificates")

log = logging.getLogger("certd")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s", level=logging.INFO)
    try:
        wanted = site.load(options.site).site
        return 0 if _look_after(wanted, Store(options.store), options.force) else 1
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="certd", description="Obtain and renew the certificates of public names.")
    parser.add_argument("--site", type=Path, default=SITE, metavar="FILE", help=f"the site file ({SITE})")
    parser.add_argument("--store", type=Path, default=STORE, metavar="DIR", help=f"where they are kept ({STORE})")
    parser.add_argument("--force", action="append", default=[], metavar="LABEL", help="obtain this one anew at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
