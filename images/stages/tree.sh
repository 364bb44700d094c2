# shellcheck shell=bash
# The tree of the image: Debian, our programs, our units; without what only a machine that is administered by hand needs.

enabled=(vdx.target vdx-setup.service vdx-health.service vdx-grow.service vdx-takeover.service
  vdx-settle.service vdx-settle.path vdx-devices.service tmp.mount chrony.service
  vdx-console@ttyS0.service vdx-console@tty1.service vdx-desk-look.socket vdx-desk-tell.socket vdx-desk-disk.socket
  vdx-prove.socket gatewayd.service gatewayd-web.service
  b2bua.service mediad.service certd.timer certd.path keepalived.service)
# no logins, no packages to update, no state that a read-only root cannot keep
masked=(getty@.service serial-getty@.service getty.target console-getty.service systemd-firstboot.service apt-daily.timer
  apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
  systemd-machine-id-commit.service systemd-remount-fs.service systemd-random-seed.service systemd-boot-update.service
  systemd-networkd.service ctrl-alt-del.target debug-shell.service emergency.service rescue.service nftables.service)
# file systems and services that nothing of ours uses; vdx-grow calls systemd-repart itself
masked+=(systemd-binfmt.service proc-sys-fs-binfmt_misc.automount dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount
  sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount systemd-repart.service
  systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-ask-password-console.path systemd-ask-password-wall.path)

assemble() {
  local tree=$1
  say "tree"
  mkdir "$tree"
  tar -C "$tree" -xpf "$base_tar"
  environment "$tree"
  cp -r --no-preserve=ownership "$here/tree/." "$tree/"
  install -m 644 "$here"/units/* "$tree/usr/lib/systemd/system/"
  install -m 644 gatewayd/prove/units/* "$tree/usr/lib/systemd/system/"
  # services with devices of their own need it; Debian 13 has it in its place
  [ -e "$tree/usr/lib/systemd/system/tmp.mount" ] || cp "$tree/usr/share/systemd/tmp.mount" "$tree/usr/lib/systemd/system/"
  install -D -m 644 -t "$tree/usr/share/vdx" LICENSE "$keys/update.pub"
  VDX_PURE=1 .venv/bin/python -c 'from gatewayd.system.migrate import OWN; print(OWN)' >"$tree/usr/share/vdx/form"
  os_release "$tree"
  chroot "$tree" systemd-sysusers 2>/dev/null
  chroot "$tree" systemctl --quiet enable "${enabled[@]}"
  chroot "$tree" systemctl --quiet mask "${masked[@]}"
  ln -sf /usr/lib/systemd/system/multi-user.target "$tree/etc/systemd/system/default.target"
  ln -s /usr/lib/systemd/system/systemd-bless-boot.service "$tree/etc/systemd/system/multi-user.target.wants/"
  echo appliance >"$tree/etc/hostname"
  rm -f "$tree/etc/fstab"
  ln -sfn /var/lib/appliance/site "$tree/etc/vdx"
  rm -rf "$tree/etc/systemd/network" "$tree/etc/resolv.conf" "$tree/etc/keepalived"
  ln -s /var/lib/appliance/network "$tree/etc/systemd/network"
  ln -s /var/lib/appliance/keepalived "$tree/etc/keepalived"
  ln -s /run/resolv.conf "$tree/etc/resolv.conf"
  : >"$tree/etc/machine-id"
  passwd --root "$tree" --quiet --lock root
}

os_release() {
  cat >"$1/usr/lib/os-release" <<EOF
PRETTY_NAME="Gateway of the video hub $version"
NAME="vdx"
ID=vdx
ID_LIKE=debian
VERSION_ID="$version"
VERSION_CODENAME=$release
IMAGE_ID=vdx
IMAGE_VERSION=$version
VARIANT_ID=$flavour
EOF
}

# What has changed: of the list of changes, what stands under this version, or what is not released yet
release_notes() {
  local heading="## $version"
  grep -q "^$heading" CHANGELOG.md || heading=$(grep -m 1 '^## ' CHANGELOG.md)
  printf '# Gateway of the video hub %s, %s\n\n' "$version" "$flavour"
  awk -v heading="$heading" 'index($0, heading) == 1 { on = 1; next } /^## / { on = 0 } on' CHANGELOG.md
}

# What built the tree goes, then everything gets the same time
slim() {
  local tree=$1
  rm -rf "$tree"/boot/* "$tree"/vmlinuz* "$tree"/initrd.img* "$tree"/var "$tree"/usr/lib/python3*/ensurepip \
    "$tree"/usr/share/{i18n,python-wheels,initramfs-tools,bash-completion,zsh,lintian,bug,pixmaps,icons,menu} \
    "$tree"/etc/{apt,dpkg,initramfs-tools,kernel,logrotate.d,cron*,init.d,rc?.d,ssl/private} "$tree"/usr/lib/{apt,dpkg} \
    "$tree"/usr/bin/{apt*,dpkg*,deb-*} "$tree"/usr/sbin/{dpkg*,update-initramfs,mkinitramfs} "$tree"/usr/share/dpkg \
    "$tree"/usr/lib/x86_64-linux-gnu/perl-base "$tree"/usr/bin/perl* "$tree"/root/.* 2>/dev/null || true
  # nothing has to read the machine before units start: what it would find stands in tree/ and the initial RAM disk
  rm -rf "$tree"/usr/lib/systemd/system{,-environment}-generators
  mkdir -p "$tree/var" "$tree/efi"
  find "$tree/usr" -name __pycache__ -prune -exec rm -rf {} +
  chroot "$tree" /usr/bin/python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash /usr/lib/python3 \
    "/usr/lib/$(basename "$(readlink -f "$tree/usr/bin/python3")")" /usr/lib/vdx >/dev/null || true
  find "$tree" -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}
