"""Golden folders: a site file in, what the kernel is told out.

``python -m tests.gatewayd.test_golden`` writes them anew; read the difference before committing it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gatewayd import firewall, transit
from gatewayd.pinholes.layout import layout
from nft.policy.parts import DIGEST_CHARACTERS
from nft.policy.ruleset import compile_transit
from nft.ruleset import compile_edge
from tests.nft.oldest import refused
from tests.nft.policy.world import NOW
from vdx import site

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(path.name for path in GOLDEN.iterdir())
DIGEST = re.compile(rf"_[a-z2-7]{{{DIGEST_CHARACTERS}}}\b")


def rulesets(name: str) -> dict[str, str]:
    """Return what a folder's site becomes, by file: without the digests in names, which hide what a change changes."""
    loaded = site.load(GOLDEN / name / "site.yaml")
    edge = firewall.edge(loaded, layout(loaded.site, {}))
    policy = compile_transit(transit.tables(loaded), edge)
    return {"edge.nft": compile_edge(edge), "transit.nft": DIGEST.sub("", policy.added((), NOW) + policy.switched())}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize("file", ["edge.nft", "transit.nft"])
def test_the_ruleset_is_as_agreed(name: str, file: str) -> None:
    assert rulesets(name)[file] == (GOLDEN / name / file).read_text()


@pytest.mark.parametrize("name", FOLDERS)
def test_the_oldest_kernel_takes_it(name: str) -> None:
    assert refused("".join(rulesets(name).values())) == []


@pytest.mark.parametrize("name", FOLDERS)
def test_every_rule_and_agreement_in_force_names_its_origin(name: str) -> None:
    loaded = site.load(GOLDEN / name / "site.yaml")
    said = transit.policy(loaded)
    told = set(re.findall(r'comment "([^"]+)"', rulesets(name)["transit.nft"]))
    lines = {str(each.origin) for listed in (said.rules, said.publications, said.maskings) for each in listed}
    in_force = {each.id for each in said.agreements.effective() if each.ends > NOW}
    assert told == lines | in_force


if __name__ == "__main__":
    for folder in FOLDERS:
        for file, text in rulesets(folder).items():
            (GOLDEN / folder / file).write_text(text)
