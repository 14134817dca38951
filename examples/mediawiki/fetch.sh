#!/bin/sh
# Makes mediawiki.tar.gz from Debian's packages; see README.md. fetch.sh [--force]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=mediawiki
packages="mediawiki mediawiki-classes"
# What is in the archive is switched on (LocalSettings.php); Debian has more.
extensions="CategoryTree Cite Gadgets ImageMap InputBox Interwiki Nuke ParserFunctions Poem TemplateData WikiEditor"
# shellcheck source=../packages.sh
. "$here/../packages.sh"

# Debian's links to /etc and /var/lib go: state is in the database, and settings come from here.
wiki=$work/wiki
mkdir "$wiki"
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

[ -e "$wiki/skins/Vector/skin.json" ] || fail "the skin is not where it was"
left=$(find "$wiki" -type l)
[ -z "$left" ] || fail "links are left: $left"
left=$(grep -rlE "['\"]/(usr/share|etc|var/lib)/mediawiki" --include='*.php' "$wiki" || true)
[ -z "$left" ] || fail "paths of Debian's own are left in: $left"
pack "$wiki"
