# Sourced by the fetch.sh of an example: the archive of its code, made from Debian's packages.
#
#   name=wordpress packages="wordpress php-getid3"      # what is made, of what
#   . "$here/../packages.sh"                            # $root: what is in the packages; $work: a folder for the time
#   pack "$work/code"                                   # $here/wordpress.tar.gz; the same files are the same bytes
#
# shellcheck shell=sh disable=SC2154  # $here, $name and $packages are the caller's
umask 022

say() { printf '%s\n' "fetch.sh: $*"; }
fail() { printf '%s\n' "fetch.sh: $*" >&2; exit 1; }

# FOLDER [UMASK]: into the archive, with every package's licence and authors.
pack() {
    mkdir "$1/copyright"
    for package in $packages; do
        cp "$root/usr/share/doc/$package/copyright" "$1/copyright/$package"
    done
    (umask "${2:-022}" && tar -C "$1" --sort=name --owner=0 --group=0 --mtime=@0 -czf "$here/.$name.tar.gz" .)
    mv "$here/.$name.tar.gz" "$here/$name.tar.gz"
    say "$name.tar.gz is made"
}

if [ -e "$here/$name.tar.gz" ] && [ "${1:-}" != --force ] &&
    [ -z "$(find "$here" -maxdepth 1 -name '*.php' -newer "$here/$name.tar.gz")" ]; then
    say "$name.tar.gz is there; --force makes it again"
    exit 0
fi
for tool in apt-get dpkg-deb find grep tar ${tools:-}; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Debian 12${tools:+ with $tools}"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir "$work/debs" "$root"
# apt's own user writes the files.
[ "$(id -u)" != 0 ] || { chmod 711 "$work"; chown _apt "$work/debs"; }

say "downloading $packages"
# shellcheck disable=SC2086  # a list of words
(cd "$work/debs" && apt-get -q download $packages >"$work/log" 2>&1) || {
    tail -n 3 "$work/log" >&2
    fail "the packages cannot be downloaded: run apt-get update, on Debian 12"
}
for package in "$work"/debs/*.deb; do
    dpkg-deb -x "$package" "$root"
done
