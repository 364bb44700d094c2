# shellcheck shell=bash
# Debian's packages as a tar, the same for the same mirror state. MIRROR and SECURITY may name a snapshot.

packages=(
  systemd systemd-sysv systemd-boot systemd-boot-efi udev dbus kmod busybox initramfs-tools zstd  # starts the machine
  e2fsprogs dosfstools fdisk util-linux cryptsetup-bin                                       # its disks
  login passwd procps less tzdata ca-certificates libnss-myhostname
  nftables python3-nftables netbase iproute2 conntrack ethtool iputils-ping                  # its network
  python3 python3-systemd libnetfilter-queue1
  chrony keepalived
)
declare -A kernels=([metal]=linux-image-amd64 [cloud]=linux-image-cloud-amd64 [none]=)
# what Debian 12 has in one of the packages above
declare -A apart=([bookworm]= [trixie]="systemd-repart")
# FIRMWARE=1: of network cards, from Debian's non-free-firmware
firmware=(firmware-bnx2 firmware-bnx2x firmware-realtek firmware-misc-nonfree firmware-qlogic)

base() {
  local release=$1 chosen=("${packages[@]}" ${kernels[$2]} ${apart[$release]}) component=main
  if [ "${FIRMWARE:-}" ]; then chosen+=("${firmware[@]}") component="main non-free-firmware"; fi
  local mirror=${MIRROR:-http://deb.debian.org/debian} security=${SECURITY:-http://deb.debian.org/debian-security}
  local name
  name=$(printf '%s\n' "$release" "$mirror" "$security" "${chosen[@]}" | sha256sum | cut -c1-16)
  base_tar=$cache/base-$release-$name.tar
  [ -s "$base_tar" ] && return
  say "base: Debian $release, ${#chosen[@]} packages and what they need"
  mmdebstrap --quiet --format=tar --variant=minbase --include="$(IFS=,; echo "${chosen[*]}")" \
    --aptopt='Apt::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$release" "$base_tar.part" "deb $mirror $release $component" "deb $mirror $release-updates $component" \
    "deb $security $release-security $component"
  mv "$base_tar.part" "$base_tar"
}
