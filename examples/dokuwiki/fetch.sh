#!/bin/sh
# Makes dokuwiki.tar.gz from Debian's packages; see README.md. fetch.sh [--force]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=dokuwiki
packages="dokuwiki libjs-jquery libjs-jquery-cookie libjs-jquery-ui libphp-simplepie php-geshi php-phpseclib"
tools=openssl
# shellcheck source=../packages.sh
. "$here/../packages.sh"

wiki=$work/wiki
mkdir "$wiki"
cp -R "$root/usr/share/dokuwiki/." "$wiki"
rm -rf "$wiki/lib/tpl" "$wiki/lib/plugins" "$wiki/.htaccess" "$wiki/install.php"
cp -R "$root/var/lib/dokuwiki/lib/tpl" "$root/var/lib/dokuwiki/lib/plugins" "$wiki/lib"
cp -R "$root/etc/dokuwiki" "$wiki/conf"
rm -f "$wiki"/conf/*.auth.php "$wiki"/conf/plugins.local.php "$wiki"/conf/*.dist "$wiki"/conf/*.example

# The libraries, and the paths by which DokuWiki finds them.
mkdir "$wiki/packages"
cp -R "$root/usr/share/javascript" "$wiki/packages/javascript"
cp -R "$root/usr/share/php" "$wiki/packages/php"
cp -R "$root/usr/share/php-geshi" "$wiki/packages/php-geshi"
sed -i "s#'/usr/share/\(php\|php-geshi\|javascript\)/#__DIR__ . '/../../packages/\1/#" "$wiki"/vendor/composer/*.php
sed -i "s#\$vendorDir \. __DIR__#__DIR__#" "$wiki"/vendor/composer/*.php
sed -i "s#'/usr/share/\(php\|php-geshi\|javascript\)/#DOKU_INC . 'packages/\1/#" \
    "$wiki/inc/load.php" "$wiki/inc/parserutils.php" "$wiki/lib/exe/js.php" "$wiki/lib/exe/jquery.php"

# State lives outside of the code.
cat >"$wiki/inc/preload.php" <<'PHP'
<?php
// Pages, users and local settings live outside of the code, so that they outlast its versions.
(function () {
    global $config_cascade;
    $state = (getenv('CONPAAS_DATA') ?: dirname(__DIR__, 2)) . '/dokuwiki';
    if (!is_dir($state)) {
        $new = $state . '.' . bin2hex(random_bytes(6));
        $copy = function ($from, $to) use (&$copy) {
            mkdir($to, 0750, true);
            foreach (array_diff(scandir($from), ['.', '..']) as $name) {
                is_dir("$from/$name") ? $copy("$from/$name", "$to/$name") : copy("$from/$name", "$to/$name");
            }
        };
        $copy(dirname(__DIR__) . '/initial', $new);
        if (!@rename($new, $state) && !is_dir($state)) {
            die('The data folder cannot be written.');
        }
    }
    define('DOKU_CONF', DOKU_INC . 'conf/');
    define('CONPAAS_STATE', $state);
    $config_cascade = [
        'main' => [
            'default' => [DOKU_CONF . 'dokuwiki.php'],
            'local' => ["$state/conf/local.php"],
            'protected' => [DOKU_CONF . 'local.protected.php'],
        ],
        'plugins' => [
            'default' => [DOKU_CONF . 'plugins.php'],
            'local' => ["$state/conf/plugins.local.php"],
            'protected' => [DOKU_CONF . 'plugins.required.php', DOKU_CONF . 'plugins.protected.php'],
        ],
        'acl' => ['default' => "$state/conf/acl.auth.php"],
        'plainauth.users' => ['default' => "$state/conf/users.auth.php", 'protected' => ''],
    ];
})();
PHP
cat >"$wiki/conf/local.protected.php" <<'PHP'
<?php
$conf['savedir'] = CONPAAS_STATE . '/data';
$conf['updatecheck'] = 0;
PHP

# What a new wiki begins with.
mkdir -p "$wiki/initial/conf"
cp -R "$root/var/lib/dokuwiki/data" "$wiki/initial/data"
rm -f "$wiki"/initial/data/dont-panic*
if [ ! -s "$here/admin.password" ]; then
    (umask 077 && openssl rand -hex 12 >"$here/admin.password")
fi
hash=$(openssl passwd -6 -stdin <"$here/admin.password")
cat >"$wiki/initial/conf/users.auth.php" <<PHP
# users.auth.php
# <?php exit()?>
# login:passwordhash:Real Name:email:groups,comma,separated
admin:$hash:Administrator:admin@example.org:admin,user
PHP
cat >"$wiki/initial/conf/acl.auth.php" <<'PHP'
# acl.auth.php
# <?php exit()?>
*    @ALL     1
*    @user    8
PHP
cat >"$wiki/initial/conf/local.php" <<'PHP'
<?php
$conf['title'] = 'DokuWiki on ConPaaS';
$conf['lang'] = 'en';
$conf['license'] = 'cc-by-sa';
$conf['useacl'] = 1;
$conf['superuser'] = '@admin';
$conf['disableactions'] = 'register';
PHP
printf '<?php\n' >"$wiki/initial/conf/plugins.local.php"

left=$(grep -rlE "['\"]/(usr/share|etc|var/lib)/(php|javascript|dokuwiki)" --include='*.php' "$wiki" | grep -v /conf/dokuwiki.php || true)
[ -z "$left" ] || fail "paths of Debian's own are left in: $left"
pack "$wiki" 077
say "log in as admin with the password in $here/admin.password"
