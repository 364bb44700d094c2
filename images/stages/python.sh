# shellcheck shell=bash
# Our programs and what they import, as a directory that becomes the site-packages of the image's own environment.

ours=(vdx nft b2bua mediad gatewayd certd)
# the interpreter of each Debian; where it is another than this machine's, ours stay interpreted
declare -A pythons=([bookworm]=3.11 [trixie]=3.13)

programs() {
  local name sources wheels=(--only-binary :all: --no-deps)
  local python=${pythons[$release]:?images/build: which Python has $release? Name it in images/stages/python.sh}
  if [ "$python" != "$(.venv/bin/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" ]; then
    compiled=0
    wheels+=(--implementation cp --python-version "$python" --abi "cp${python/./}" --abi abi3 --abi none)
    for name in 2_17 2_24 2_28 2_34; do wheels+=(--platform "manylinux_${name}_x86_64"); done
  fi
  sources=$(git ls-files --cached --others --exclude-standard -- "${ours[@]}" setup.py pyproject.toml README.md LICENSE requirements/edge.txt)
  # a compiled form is kept per state of the sources
  name=$({ echo "compiled $compiled python $python"; for file in $sources; do [ ! -f "$file" ] || sha256sum "$file"; done; } | sha256sum | cut -c1-16)
  site=$cache/site-$name
  [ -d "$site" ] && return
  say "programs: wheels, and ours (compiled: $compiled)"
  rm -rf "$site.part" "$cache/source"
  local house=$cache/wheels-$python
  mkdir -p "$site.part" "$house" "$cache/source"
  # nothing but hashed wheels; Debian has the binding of systemd, and what the kernel's queue needs is built from source
  .venv/bin/python - requirements/edge.txt >"$cache/edge.txt" <<'PY'
import re, sys
blocks = re.split(r"\n(?=\S)", open(sys.argv[1], encoding="utf-8").read())
left_out = ("systemd-python==", "netfilterqueue==")  # Debian's; the optional one, which needs a compiler
print("\n".join(block for block in blocks if not block.startswith(left_out)))
PY
  .venv/bin/python -m pip --disable-pip-version-check -qq download "${wheels[@]}" --require-hashes --dest "$house" -r "$cache/edge.txt"
  for file in $sources; do [ ! -f "$file" ] || cp --parents "$file" "$cache/source"; done
  # the compiler of the modules reads the types of this list (setup.py)
  (cd "$cache/source" && VDX_COMPILE=$compiled CFLAGS="-g0 -ffile-prefix-map=$PWD=." \
    "$root/.venv/bin/python" -W ignore setup.py -q build --build-base out --build-lib "$site.part") >"$cache/compile.log" 2>&1 \
    || { tail -20 "$cache/compile.log" >&2; return 1; }
  .venv/bin/python -m pip --disable-pip-version-check --quiet install "${wheels[@]}" --no-index --no-compile \
    --find-links "$house" --target "$site.part" -r "$cache/edge.txt" --upgrade
  # what programs call their version, and the bill of materials lists
  local told
  told=$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
  mkdir "$site.part/vdx-$told.dist-info"
  printf 'Metadata-Version: 2.1\nName: vdx\nVersion: %s\nLicense-Expression: EUPL-1.2\n' "$told" \
    >"$site.part/vdx-$told.dist-info/METADATA"
  rm -rf "$site.part/bin" "$cache/source"
  find "$site.part" -name tests -type d -prune -exec rm -rf {} +
  find "$site.part" -name '*.so' -exec strip --strip-unneeded {} +
  mv "$site.part" "$site"
}

# The environment by hand: no pip, no activation scripts, programs that read nothing from where they are started
environment() {
  local tree=$1 home=$1/usr/lib/vdx python
  python=$(basename "$(readlink -f "$tree/usr/bin/python3")")
  mkdir -p "$home/bin" "$home/lib/$python"
  ln -s "/usr/bin/$python" "$home/bin/python"
  printf 'home = /usr/bin\ninclude-system-site-packages = true\nversion = %s\n' "${python#python}" >"$home/pyvenv.cfg"
  cp -a "$site" "$home/lib/$python/site-packages"
  .venv/bin/python - "$home/bin" <<'PY'
import sys, tomllib
from pathlib import Path
ours = {"vdx", "nft", "b2bua", "mediad", "gatewayd", "certd"}
scripts = tomllib.loads(Path("pyproject.toml").read_text())["project"]["scripts"]
scripts.setdefault("gatewayd-web", "gatewayd.web.__main__:main")
for name, entry in scripts.items():
    module, function = entry.split(":")
    if module.split(".")[0] not in ours or name == "vdx-bus":
        continue
    path = Path(sys.argv[1], name)
    # while it is loaded nothing is garbage yet, and looking for it takes a tenth of a start
    loaded = f"import gc, sys\ngc.disable()\nfrom {module} import {function}\ngc.enable()\n"
    path.write_text(f"#!/usr/lib/vdx/bin/python -I\n{loaded}sys.exit({function}())\n")
    path.chmod(0o755)
PY
  ln -s /usr/lib/vdx/bin/gatewayctl "$tree/usr/bin/gatewayctl"
}
