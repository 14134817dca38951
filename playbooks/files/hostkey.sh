#!/bin/sh
# A machine's own SSH host key, in place of the one that it was given for its first boot.
#   make          makes it, once, and prints its public half; nothing uses it yet
#   use "TYPE KEY"  takes the key with this public half into use
# Either may be cut off and repeated.
set -eu
umask 077
cd "${SSH_FOLDER:-/etc/ssh}"
own=ssh_host_ed25519_key new=ssh_host_ed25519_key.conpaas

public() {
    cut -d ' ' -f 1,2 "$1.pub" 2>/dev/null || true
}

case "$1" in
make)
    if [ ! -s "$new" ] || [ ! -s "$new.pub" ]; then
        rm -f "$new" "$new.pub" "$new.begun" "$new.begun.pub"
        ssh-keygen -q -t ed25519 -N '' -C '' -f "$new.begun"
        mv "$new.begun.pub" "$new.pub"
        mv "$new.begun" "$new"
    fi
    public "$new"
    ;;
use)
    if [ "$(public "$own")" != "$2" ]; then
        [ "$(public "$new")" = "$2" ] || { echo "the host key that was recorded is not here any more" >&2; exit 1; }
        cp "$new" "$own.begun"
        mv -f "$own.begun" "$own"
        cp "$new.pub" "$own.pub.begun"
        chmod 0644 "$own.pub.begun"
        mv -f "$own.pub.begun" "$own.pub"
    fi
    systemctl reload ssh.service
    rm -f "$new" "$new.pub"
    ;;
esac
