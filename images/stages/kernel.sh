# shellcheck shell=bash
# The kernel, its initial RAM disk and the read-only root, tied together by the root hash on the signed command line.

kernel_and_initrd() {
  local work=$1 tree=$1/tree name
  say "initial RAM disk"
  name=$(ls "$tree/lib/modules")
  mount -t proc proc "$tree/proc"
  chroot "$tree" env SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" update-initramfs -u -k "$name" >/dev/null 2>"$work/initrd.log" || { cat "$work/initrd.log" >&2; return 1; }
  umount "$tree/proc"
  mv "$tree/boot/vmlinuz-$name" "$work/vmlinuz"
  mv "$tree/boot/initrd.img-$name" "$work/initrd"
  cp "$tree/usr/lib/systemd/boot/efi/"{linuxx64.efi.stub,systemd-bootx64.efi} "$work/"
}

read_only_root() {
  local work=$1
  slim "$work/tree"
  say "root"
  # two numbers made from the version alone: the same image everywhere
  local id salt
  salt=$(printf %s "vdx $version" | sha256sum | cut -c1-64)
  id=$(sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-4\3-8\4-\5/' <<<"$salt")
  mkfs.erofs --quiet -zlz4hc,9 -T"$SOURCE_DATE_EPOCH" -U "$id" "$work/root.img" "$work/tree" >/dev/null
  truncate -s %4096 "$work/root.img"
  size=$(stat -c %s "$work/root.img")
  hash=$(veritysetup format --salt="$salt" --uuid="$id" --hash-offset="$size" "$work/root.img" "$work/root.img" |
    sed -n 's/^Root hash:[[:space:]]*//p')
  [ "$hash" ]
}

kernel_image() {
  local work=$1 stub=$1/linuxx64.efi.stub
  say "kernel image"
  # a virtual machine's timer is a program, and may be late where the host is busy: no reason to panic at the start
  local machine=
  [ "$flavour" != cloud ] || machine=" no_timer_check"
  printf '%s' "root=/dev/mapper/root rootfstype=erofs ro vdx.root=vdx_$version vdx.size=$size vdx.hash=$hash" \
    " fastboot net.ifnames=0 console=tty0 console=ttyS0,115200 panic=10 oops=panic loglevel=4 systemd.show_status=no" \
    " cpufreq.default_governor=performance" \
    "$machine${CMDLINE:+ $CMDLINE}" >"$work/cmdline"
  # sections follow each other after those of the stub, each at a page of its own
  local position name file arguments=()
  position=$(objdump -h -w "$stub" | .venv/bin/python -c '
import sys
rows = [line.split() for line in sys.stdin if line.strip()[:1].isdigit()]
print(max(int(row[3], 16) + int(row[2], 16) for row in rows))')
  for name in osrel cmdline initrd linux; do
    case $name in
      osrel) file=$work/tree/usr/lib/os-release ;;
      linux) file=$work/vmlinuz ;;
      *) file=$work/$name ;;
    esac
    position=$(((position + 4095) & ~4095))
    arguments+=(--add-section ".$name=$file" --change-section-vma ".$name=$position")
    position=$((position + $(stat -L -c %s "$file")))
  done
  objcopy "${arguments[@]}" "$stub" "$work/kernel.efi"
  signed "$work/kernel.efi"
  signed "$work/systemd-bootx64.efi"
}

# A signature holds the time it was made at: that of the commit, or no build would be like another
signed() {
  FAKETIME_FMT=%s faketime -f "$SOURCE_DATE_EPOCH" sbsign --key "$keys/db.key" --cert "$keys/db.crt" --output "$1.signed" "$1" \
    2>/dev/null && mv "$1.signed" "$1"
}
