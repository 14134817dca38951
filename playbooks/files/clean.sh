#!/bin/sh
# Makes a machine an image. BEFORE: services that were enabled before the packages came.
set -eu

# What packages enabled would start at the next boot, before it is configured.
for unit in $(systemctl list-unit-files --type=service --state=enabled --no-legend --plain | cut -d' ' -f1); do
    case " $BEFORE " in
        *" $unit "*) ;;
        *) systemctl --quiet disable --now "$unit" ;;
    esac
done

apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/cache/debconf/*-old /var/lib/dpkg/*-old
rm -rf /root/.ansible /root/.ssh/authorized_keys /tmp/* /var/tmp/*
rm -f /etc/ssh/ssh_host_*
find /var/log -type f -delete
: > /etc/machine-id
sync
