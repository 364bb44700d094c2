"""The bill of materials names everything as scanners of vulnerabilities look it up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
STATUS = """\
Package: libstdc++6
Status: install ok installed
Architecture: amd64
Source: gcc-12
Version: 12.2.0-14+deb12u1

"""


def bill(tree: Path) -> dict[str, Any]:
    command = [sys.executable, str(ROOT / "images/sbom"), str(tree), "1.4.2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": "/usr/bin"})
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def wheel(tree: Path, name: str, version: str, more: str = "", **bills: object) -> None:
    home = tree / "usr/lib/vdx/lib/python3.11/site-packages" / f"{name}-{version}.dist-info"
    (home / "sboms").mkdir(parents=True)
    (home / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{more}")
    for each, content in bills.items():
        (home / "sboms" / f"{each}.json").write_text(json.dumps(content))
    listed = [path.relative_to(home.parent) for path in home.rglob("*") if path.is_file()]
    (home / "RECORD").write_text("".join(f"{path},,\n" for path in listed))


def test_every_package_has_its_name_and_what_is_built_into_it(tmp_path: Path) -> None:
    for path, text in {
        "var/lib/dpkg/status": STATUS,
        "etc/debian_version": "12.15\n",
        "usr/share/doc/libstdc++6/copyright": "see /usr/share/common-licenses/GPL-3.\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    openssl = {"type": "library", "name": "openssl", "version": "4.0.3", "purl": "pkg:generic/openssl@4.0.3"}
    crate = {
        "name": "ahash",
        "version": "0.8.12",
        "purl": "pkg:cargo/ahash@0.8.12",
        "licenses": [{"expression": "MIT"}],
    }
    sealed = {"bomFormat": "CycloneDX", "components": [openssl, crate]}
    wheel(tmp_path, "cryptography", "50.0.2", "License-Expression: BSD-3-Clause\n", sbom=sealed, other={"spdx": 1})
    wheel(tmp_path, "Prometheus_client", "0.26.0", "Classifier: License :: OSI Approved :: Apache Software License\n")
    made = bill(tmp_path)
    assert (made["bomFormat"], made["specVersion"], made["metadata"]["component"]["version"]) == (
        "CycloneDX",
        "1.5",
        "1.4.2",
    )
    by_name = {each["name"]: each for each in made["components"]}
    purls = {name: each["purl"] for name, each in by_name.items()}
    assert purls == {
        "libstdc++6": "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12",
        "cryptography": "pkg:pypi/cryptography@50.0.2",
        "Prometheus_client": "pkg:pypi/prometheus-client@0.26.0",
    }
    licenses = {name: [one["license"]["name"] for one in each["licenses"]] for name, each in by_name.items()}
    assert licenses == {
        "libstdc++6": ["GPL-3"],
        "cryptography": ["BSD-3-Clause"],
        "Prometheus_client": ["Apache Software License"],
    }
    within = by_name["cryptography"]["components"]
    assert [(each["name"], each["purl"]) for each in within] == [
        ("openssl", "pkg:generic/openssl@4.0.3"),
        ("ahash", "pkg:cargo/ahash@0.8.12"),
    ]
    refs = [each["bom-ref"] for each in (*made["components"], *within)]
    assert len(set(refs)) == len(refs) == 5
    assert bill(tmp_path) == made  # the same octets for the same tree
