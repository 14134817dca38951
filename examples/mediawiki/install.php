<?php
// Makes the wiki in its empty database, once: the form, and what it starts. Then this page leads to the wiki.

require_once __DIR__ . '/conpaas/database.php';

if (ConPaaS\wiki()) {
    header('Location: /');
    exit;
}
$given = fn ($field) => trim((string) ($_POST[$field] ?? ''));
$error = '';
if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    if ($given('name') === '' || $given('user') === '' || $given('password') === '') {
        $error = 'All three are needed.';
    } else {
        set_time_limit(0);
        ignore_user_abort(true);
        define('MW_CONFIG_CALLBACK', 'Installer::overrideConfig');
        define('MEDIAWIKI_INSTALL', true);
        define('MW_CONFIG_FILE', __DIR__ . '/conpaas/no settings yet');
        ob_start();
        require __DIR__ . '/includes/WebStart.php';
        $error = make_wiki($given('name'), $given('user'), $given('password'), ob_get_level());
        while (ob_get_level()) {
            ob_end_clean();
        }
        if ($error === '') {
            header('Location: /');
            exit;
        }
    }
}

/** What went wrong; empty: the wiki is there. */
function make_wiki(string $name, string $user, string $password): string
{
    $connection = ConPaaS\connect();
    $extensions = array_map('basename', glob(__DIR__ . '/extensions/*', GLOB_ONLYDIR));
    try {
        $installer = InstallerOverrides::getCliInstaller($name, $user, [
            'pass' => $password,
            'lang' => 'en',
            'server' => ConPaaS\server(),
            'scriptpath' => '',
            'dbtype' => 'mysql',
            'dbserver' => getenv('MYSQL_HOST') . ':' . (getenv('MYSQL_PORT') ?: '3306'),
            'dbname' => ConPaaS\database(),
            'dbuser' => getenv('MYSQL_USER'),
            'dbpass' => getenv('MYSQL_PASSWORD'),
            'extensions' => implode(',', $extensions),
        ]);
        $status = $installer->doEnvironmentChecks();
        if ($status->isGood()) {
            $status = $installer->execute();
        }
    } catch (MediaWiki\Installer\InstallException $exception) {
        $status = $exception->getStatus();
    }
    if (!$status->isGood()) {
        return $status->getMessage(false, false, 'en')->text();
    }
    // The last step: from now on there is a wiki.
    $row = json_encode(['name' => $name, 'key' => bin2hex(random_bytes(32))]);
    $statement = $connection->prepare('INSERT INTO `' . ConPaaS\database() . "`.updatelog VALUES ('conpaas', ?)");
    return $statement && $statement->execute([$row]) ? '' : $connection->error;
}

$shown = fn ($text) => htmlspecialchars($text, ENT_QUOTES);
?>
<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>A new wiki</title></head>
<body style="font-family: sans-serif; max-width: 30em; margin: 3em auto">
<h1>A new wiki</h1>
<p><strong><?= $shown($error) ?></strong></p>
<form method="post" id="install">
<p><label>Its name<br><input name="name" value="<?= $shown($given('name')) ?>"></label></p>
<p><label>Its administrator<br><input name="user" value="<?= $shown($given('user')) ?>"></label></p>
<p><label>A password, 10 characters or more<br><input name="password" type="password"></label></p>
<p><button>Make it</button> This takes half a minute.</p>
</form>
</body>
</html>
