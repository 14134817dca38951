#!/bin/sh
# A bare Debian becomes what our images are: $1 is the archive for its root, $2 the machine that its programs are for,
# the rest are packages. All of it may be cut off and repeated.
set -eu
umask 022
archive=$1 machine=$2
shift 2
if [ "$(uname -m)" != "$machine" ]; then
    echo "this machine is $(uname -m), the VPN's programs here are for $machine: choose machines of that kind (Sizes)" >&2
    exit 1
fi
# A cloud's image is still at its own first boot, and may hold apt's lock.
if command -v cloud-init >/dev/null; then
    cloud-init status --wait >/dev/null 2>&1 || true
fi
if [ -e /etc/systemd/system/conpaas-data.service ]; then
    systemctl start conpaas-data.service
fi
tar -xzf "$archive" -C / --no-same-owner --no-overwrite-dir
export DEBIAN_FRONTEND=noninteractive
apt-get -q -o DPkg::Lock::Timeout=120 update
apt-get -q -y -o DPkg::Lock::Timeout=120 install --no-install-recommends "$@"
update-ca-certificates >/dev/null 2>&1
install -d -m 0700 /root/.ssh /etc/nebula
systemctl disable --now --quiet apt-daily.timer apt-daily-upgrade.timer 2>/dev/null || true
systemctl daemon-reload
systemctl --quiet enable nebula.service
systemctl reload ssh.service
rm -f "$archive"
