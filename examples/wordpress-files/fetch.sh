#!/bin/sh
# Makes wordpress.tar.gz from Debian's packages, as the example wordpress does. fetch.sh [--force]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
"$here/../wordpress/fetch.sh" "$@"
cp "$here/../wordpress/wordpress.tar.gz" "$here/.wordpress.tar.gz"
mv "$here/.wordpress.tar.gz" "$here/wordpress.tar.gz"
