#!/bin/sh
# Makes mediawiki.tar.gz from Debian's packages; see README.md. fetch.sh [--force]
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
packages="mediawiki mediawiki-classes"
# What is in the archive is switched on (LocalSettings.php); Debian has more.
extensions="CategoryTree Cite Gadgets ImageMap InputBox Interwiki Nuke ParserFunctions Poem TemplateData WikiEditor"

say() { printf '%s\n' "fetch.sh: $*"; }
fail() { printf '%s\n' "fetch.sh: $*" >&2; exit 1; }

if [ -e "$here/mediawiki.tar.gz" ] && [ "${1:-}" != --force ]; then
    say "mediawiki.tar.gz is there; --force makes it again"
    exit 0
fi
for tool in apt-get dpkg-deb find tar; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian 12"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root" "$work/wiki"
# apt's own user writes the files.
[ "$(id -u)" != 0 ] || { chmod 711 "$work"; chown _apt "$work/debs"; }

say "downloading $packages"
# shellcheck disable=SC2086  # a list of words
(cd "$work/debs" && apt-get -q download $packages >"$work/log" 2>&1) || {
    tail -n 3 "$work/log" >&2
    fail "the packages cannot be downloaded: run apt-get update, on Debian 12"
}
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$work/root"
done

# Debian's links to /etc and /var/lib go: state is in the database, and settings come from here.
root=$work/root
wiki=$work/wiki
find "$root/usr/share/mediawiki" -type l -lname '/*' -delete
for part in "$root"/usr/share/mediawiki/*; do
    case ${part##*/} in
        extensions-core | mw-config) ;;
        *) cp -RL "$part" "$wiki" ;;
    esac
done
mkdir "$wiki/extensions" "$wiki/images"
for extension in $extensions; do
    cp -RL "$root/usr/share/mediawiki/extensions-core/$extension" "$wiki/extensions"
done
cp "$here/LocalSettings.php" "$here/install.php" "$wiki"
mkdir "$wiki/conpaas"
cp "$here/database.php" "$here/DatabaseConpaas.php" "$wiki/conpaas"

mkdir "$wiki/copyright"
for package in $packages; do
    cp "$root/usr/share/doc/$package/copyright" "$wiki/copyright/$package"
done

[ -e "$wiki/skins/Vector/skin.json" ] || fail "the skin is not where it was"
left=$(find "$wiki" -type l)
[ -z "$left" ] || fail "links are left: $left"
left=$(grep -rlE "['\"]/(usr/share|etc|var/lib)/mediawiki" --include='*.php' "$wiki" || true)
[ -z "$left" ] || fail "paths of Debian's own are left in: $left"
tar -C "$wiki" --sort=name --owner=0 --group=0 --mtime=@0 -czf "$here/.mediawiki.tar.gz" .
mv "$here/.mediawiki.tar.gz" "$here/mediawiki.tar.gz"
say "mediawiki.tar.gz is made"
