#!/bin/sh
# Makes wordpress.tar.gz from Debian's packages; see README.md. fetch.sh [--force]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=wordpress
packages="wordpress wordpress-theme-twentytwentythree libjs-cropper libjs-underscore php-getid3"
# shellcheck source=../packages.sh
. "$here/../packages.sh"

# Links to other packages become files; those that lead out of the packages go.
blog=$work/blog
find "$root/usr/share/wordpress" "$root/var/lib/wordpress" -type l -lname '/*' -delete
cp -RL "$root/usr/share/wordpress" "$blog"
cp -RL "$root/var/lib/wordpress/wp-content/." "$blog/wp-content"
rm -f "$blog/readme.html" "$blog/wp-config-sample.php" "$blog/wp-admin/setup-config.php"
cp "$here/wp-config.php" "$blog"
mkdir "$blog/wp-content/mu-plugins"
cp "$here/db.php" "$blog/wp-content"
cp "$here/conpaas.php" "$blog/wp-content/mu-plugins"

[ -e "$blog/wp-content/themes/twentytwentythree/style.css" ] || fail "the theme is not where it was"
left=$(find "$blog" -type l)
[ -z "$left" ] || fail "links are left: $left"
left=$(grep -rlE "['\"]/(usr/share|etc/wordpress|var/lib)/" --include='*.php' "$blog" || true)
[ -z "$left" ] || fail "paths of Debian's own are left in: $left"
pack "$blog"
