# shellcheck shell=bash
# The update (what a running appliance takes) and the disk (what a new one starts from).

esp_mib=512 slot_mib=768 data_mib=512

update_bundle() {
  local work=$1
  say "update"
  .venv/bin/python - "$work" "$version" "$flavour" "$SOURCE_DATE_EPOCH" >"$work/manifest.json" <<'PY'
import hashlib, json, sys
from pathlib import Path
work, version, flavour, epoch = sys.argv[1:]
def part(name):
    content = Path(work, name)
    with content.open("rb") as file:
        return {"size": content.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}
print(json.dumps({"format": 1, "version": version, "flavour": flavour, "made": int(epoch),
                  "kernel": part("kernel.efi"), "root": part("root.img")}, sort_keys=True))
PY
  openssl pkeyutl -sign -rawin -inkey "$keys/update.key" -in "$work/manifest.json" -out "$work/manifest.sig"
  tar -C "$work" --format=ustar --owner=0 --group=0 --numeric-owner --mode=0644 --mtime="@$SOURCE_DATE_EPOCH" \
    -cf "$out/vdx-$version-$flavour.update" manifest.json manifest.sig kernel.efi root.img
}

disk_image() {
  local work=$1 disk=$out/vdx-$version-$flavour.raw id
  say "disk"
  [ "$(stat -c %s "$work/root.img")" -le $((slot_mib << 20)) ] || { echo "images/build: the root is larger than its slot" >&2; return 1; }
  rm -f "$disk"
  truncate -s $(((1 + esp_mib + 2 * slot_mib + data_mib + 1) << 20)) "$disk"
  id() { printf %s "vdx $version $1" | sha256sum | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-4\3-8\4-\5/'; }
  sfdisk --quiet "$disk" <<EOF
label: gpt
label-id: $(id disk)
first-lba: 2048
start=1MiB, size=${esp_mib}MiB, type=U, uuid=$(id esp), name=vdx_esp
size=${slot_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$(id a), name=vdx_$version, attrs="GUID:60"
size=${slot_mib}MiB, type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709, uuid=$(id b), name=vdx_empty, attrs="GUID:60"
size=${data_mib}MiB, type=4D21B016-B534-45C2-A9FB-5C16E091FD2D, uuid=$(id data), name=vdx_data
EOF
  # what a machine without UEFI says, where a boot sector would be
  as --32 -o "$work/nouefi.o" "$here/nouefi.s"
  ld -m elf_i386 -Ttext 0x7c00 -o "$work/nouefi.elf" "$work/nouefi.o"
  objcopy -O binary -j .text "$work/nouefi.elf" "$work/nouefi.bin"
  [ "$(stat -c %s "$work/nouefi.bin")" -le 440 ]
  dd if="$work/nouefi.bin" of="$disk" conv=notrunc status=none
  truncate -s ${esp_mib}M "$work/esp.img"
  mkfs.vfat -F32 -n VDXESP -i "$(id esp | cut -c1-8)" --invariant "$work/esp.img" >/dev/null
  printf 'timeout 0\neditor no\nauto-entries no\n' >"$work/loader.conf"
  touch -d "@$SOURCE_DATE_EPOCH" "$work/loader.conf" "$work"/*.efi
  export MTOOLS_SKIP_CHECK=1
  mmd -i "$work/esp.img" ::/EFI ::/EFI/BOOT ::/EFI/Linux ::/EFI/systemd ::/loader
  mcopy -m -i "$work/esp.img" "$work/systemd-bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
  mcopy -m -i "$work/esp.img" "$work/systemd-bootx64.efi" ::/EFI/systemd/systemd-bootx64.efi
  mcopy -m -i "$work/esp.img" "$work/loader.conf" ::/loader/loader.conf
  mcopy -m -i "$work/esp.img" "$work/kernel.efi" "::/EFI/Linux/vdx_$version+3.efi"
  truncate -s ${data_mib}M "$work/data.img"
  E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH mke2fs -q -t ext4 -L vdx_data -U "$(id files)" -E "hash_seed=$(id seed),lazy_itable_init=1" "$work/data.img"
  place() { dd if="$1" of="$disk" bs=1M seek="$2" conv=notrunc,sparse status=none; }
  place "$work/esp.img" 1
  place "$work/root.img" $((1 + esp_mib))
  place "$work/data.img" $((1 + esp_mib + 2 * slot_mib))
  qemu-img convert -f raw -O qcow2 -c "$disk" "${disk%.raw}.qcow2"
  zstd --quiet --force -T0 -6 "$disk" -o "$disk.zst"
}
