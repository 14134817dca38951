<?php
// MediaWiki on ConPaaS: what differs from machine to machine, or from day to day, is in the environment.
defined('MEDIAWIKI') || exit;
require_once __DIR__ . '/conpaas/database.php';

$conpaas = ConPaaS\wiki();
if (!$conpaas) {
    header('Location: /install.php');
    exit;
}
$wgSitename = $conpaas['name'];
$wgSecretKey = $conpaas['key'];
$wgMetaNamespace = ConPaaS\namespace_of($wgSitename);

// The wiki answers under whatever name it is asked by.
$wgServer = ConPaaS\server();
$wgScriptPath = '';
$wgArticlePath = '/wiki/$1';
$wgResourceBasePath = '';

// The name of the database has the addresses of all balancers; see the end.
$wgDBtype = 'mysql';
$wgDBname = ConPaaS\database();
$wgDBservers = [[
    'type' => 'conpaas',
    'host' => getenv('MYSQL_HOST') . ':' . (getenv('MYSQL_PORT') ?: '3306'),
    'dbname' => $wgDBname,
    'user' => getenv('MYSQL_USER'),
    'password' => getenv('MYSQL_PASSWORD'),
    'load' => 1,
    'flags' => DBO_DEFAULT,
]];
$wgDBTableOptions = 'ENGINE=InnoDB, DEFAULT CHARSET=binary';

// What several machines share is in the database: sessions, too, so it does not matter which one a visitor meets.
$wgMainCacheType = CACHE_NONE;
$wgMessageCacheType = CACHE_DB;
$wgParserCacheType = CACHE_DB;
$wgSessionCacheType = CACHE_DB;
$wgCacheDirectory = getenv('CONPAAS_DATA') . '/mediawiki';

// An upload would be on the machine that took it, and on no other.
$wgEnableUploads = false;
$wgEnableEmail = false;
$wgPingback = false;
$wgLanguageCode = 'en';
$wgDefaultSkin = 'vector-2022';
foreach (['skin' => 'wfLoadSkin', 'extension' => 'wfLoadExtension'] as $kind => $load) {
    foreach (glob(__DIR__ . "/{$kind}s/*/$kind.json") as $description) {
        $load(basename(dirname($description)));
    }
}

// MediaWiki's database, tried at all its addresses; on their own, libraries give the first one all the time there is.
$wgAutoloadClasses['DatabaseConpaas'] = __DIR__ . '/conpaas/DatabaseConpaas.php';
