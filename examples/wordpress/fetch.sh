#!/bin/sh
# Makes wordpress.tar.gz from Debian's packages; see README.md. fetch.sh [--force]
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
packages="wordpress wordpress-theme-twentytwentythree libjs-cropper libjs-underscore php-getid3"

say() { printf '%s\n' "fetch.sh: $*"; }
fail() { printf '%s\n' "fetch.sh: $*" >&2; exit 1; }

if [ -e "$here/wordpress.tar.gz" ] && [ "${1:-}" != --force ]; then
    say "wordpress.tar.gz is there; --force makes it again"
    exit 0
fi
for tool in apt-get dpkg-deb find tar; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian 12"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/debs" "$work/root"
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

# Links to other packages become files; those that lead out of the packages go.
root=$work/root
blog=$work/blog
find "$root/usr/share/wordpress" "$root/var/lib/wordpress" -type l -lname '/*' -delete
cp -RL "$root/usr/share/wordpress" "$blog"
cp -RL "$root/var/lib/wordpress/wp-content/." "$blog/wp-content"
rm -f "$blog/readme.html" "$blog/wp-config-sample.php" "$blog/wp-admin/setup-config.php"
cp "$here/wp-config.php" "$blog"
mkdir "$blog/wp-content/mu-plugins"
cp "$here/db.php" "$blog/wp-content"
cp "$here/conpaas.php" "$blog/wp-content/mu-plugins"

mkdir "$blog/copyright"
for package in $packages; do
    cp "$root/usr/share/doc/$package/copyright" "$blog/copyright/$package"
done

[ -e "$blog/wp-content/themes/twentytwentythree/style.css" ] || fail "the theme is not where it was"
left=$(find "$blog" -type l)
[ -z "$left" ] || fail "links are left: $left"
left=$(grep -rlE "['\"]/(usr/share|etc/wordpress|var/lib)/" --include='*.php' "$blog" || true)
[ -z "$left" ] || fail "paths of Debian's own are left in: $left"
tar -C "$blog" --sort=name --owner=0 --group=0 --mtime=@0 -czf "$here/.wordpress.tar.gz" .
mv "$here/.wordpress.tar.gz" "$here/wordpress.tar.gz"
say "wordpress.tar.gz is made"
