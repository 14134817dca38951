#!/bin/sh
# Run by mmdebstrap when all packages are in: $1 is the new machine's root, $CONPAAS_GUEST the folder of this file,
# $CONPAAS_AUTHORITIES the folder of the certificate authorities that this host trusts besides Debian's,
# $CONPAAS_NEBULA the folder of the VPN's programs.
set -eu
umask 022
root=$1

# Modes are not the checkout's, which depend on the user's umask.
cp -R --no-preserve=all "$CONPAAS_GUEST/rootfs/." "$root/"
if [ -d "$CONPAAS_AUTHORITIES" ]; then
    find -L "$CONPAAS_AUTHORITIES" -type f -name '*.crt' \
        -exec install -m 0644 -t "$root/usr/local/share/ca-certificates" {} +
fi
chroot "$root" update-ca-certificates >/dev/null 2>&1
install -d -m 0700 "$root/root/.ssh" "$root/etc/nebula"
install -m 0755 -t "$root/usr/local/bin" "$CONPAAS_NEBULA/nebula" "$CONPAAS_NEBULA/nebula-cert"

while read -r unit; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done <"$CONPAAS_GUEST/masked.txt"
chroot "$root" systemctl --quiet enable systemd-networkd.service ssh.service nebula.service
chroot "$root" systemctl set-default multi-user.target

# Each machine gets its own: host keys at creation, the machine id at its first start.
rm -f "$root"/etc/ssh/ssh_host_*
: >"$root/etc/machine-id"
rm -f "$root/var/lib/dbus/machine-id" "$root/etc/hostname" "$root/etc/resolv.conf"
find "$root/var/log" -type f -delete
