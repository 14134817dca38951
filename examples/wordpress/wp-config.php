<?php
// WordPress on ConPaaS: what differs from machine to machine, or from day to day, is in the environment.

define('DB_NAME', getenv('WORDPRESS_DATABASE') ?: 'wordpress');
define('DB_HOST', getenv('MYSQL_HOST') . ':' . (getenv('MYSQL_PORT') ?: '3306'));
define('DB_USER', getenv('MYSQL_USER'));
define('DB_PASSWORD', getenv('MYSQL_PASSWORD'));
define('DB_CHARSET', 'utf8mb4');
$table_prefix = 'wp_';

// No AUTH_KEY and its like: WordPress then makes them once and keeps them in the database. So they are the same on all
// web machines, and visitors stay logged in when the database's password is rotated.

// The blog answers under whatever name it is asked by.
(function () {
    $host = $_SERVER['HTTP_HOST'] ?? '';
    $host = preg_match('/^[A-Za-z0-9.-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$/', $host) ? $host : 'localhost';
    $address = (($_SERVER['HTTPS'] ?? '') === 'on' ? 'https://' : 'http://') . $host;
    define('WP_HOME', $address);
    define('WP_SITEURL', $address);
})();

// Code is what `Archive` says, on all machines alike: nothing is installed or updated from the blog's own pages.
define('DISALLOW_FILE_MODS', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_AUTO_UPDATE_CORE', false);
// Nor does it ask wordpress.org.
define('WP_HTTP_BLOCK_EXTERNAL', true);

defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
