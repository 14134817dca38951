<?php
// Where the wiki's database is, and whether there is a wiki in it.

namespace ConPaaS;

/** What this machine remembers of the database; another password asks it again. */
function notes(): string
{
    return getenv('CONPAAS_DATA') . '/mediawiki-' . substr(hash('sha256', (string) getenv('MYSQL_PASSWORD')), 0, 16);
}

/** The balancers' addresses, those that did not answer lately last. */
function addresses(string $name): array
{
    $found = gethostbynamel($name) ?: [$name];
    $silent = fn ($address) => @filemtime(notes() . "-$address") > time() - 10;
    usort($found, fn ($one, $other) => $silent($one) <=> $silent($other));
    return $found;
}

/** The first connection that $try returns for one of the addresses; null if there is none in eight seconds. */
function first_answer(string $name, callable $try)
{
    $end = microtime(true) + 8;
    do {
        foreach (addresses($name) as $address) {
            if ($found = $try($address)) {
                return $found;
            }
            if (mysqli_connect_errno() === 1045) {
                return null; // wrong password, everywhere
            }
            touch(notes() . "-$address");
        }
        usleep(300000);
    } while (microtime(true) < $end);
    return null;
}

function database(): string
{
    return getenv('MEDIAWIKI_DATABASE') ?: 'mediawiki';
}

/** A connection of our own; ends the request if there is none. */
function connect(): \mysqli
{
    mysqli_report(MYSQLI_REPORT_OFF);
    $connection = first_answer((string) getenv('MYSQL_HOST'), function ($address) {
        $tried = mysqli_init();
        $tried->options(MYSQLI_OPT_CONNECT_TIMEOUT, 2);
        $port = (int) (getenv('MYSQL_PORT') ?: 3306);
        $user = (string) getenv('MYSQL_USER');
        return @$tried->real_connect($address, $user, (string) getenv('MYSQL_PASSWORD'), '', $port) ? $tried : null;
    });
    if (!$connection) {
        http_response_code(503);
        exit('The database does not answer.');
    }
    return $connection;
}

/** The wiki's name and key, as install.php left them in the database; null before. */
function wiki(): ?array
{
    $known = @file_get_contents(notes());
    if ($known === false) {
        $connection = connect();
        $found = @$connection->query('SELECT ul_value FROM `' . database() . "`.updatelog WHERE ul_key = 'conpaas'");
        $known = $found ? ($found->fetch_row()[0] ?? '') : '';
        if ($known !== '') {
            $new = notes() . '.' . bin2hex(random_bytes(6));
            file_put_contents($new, $known);
            rename($new, notes());
        }
    }
    return json_decode($known, true);
}

/** The name of pages about the wiki itself. */
function namespace_of(string $name): string
{
    $space = ucfirst(str_replace(' ', '_', $name));
    return $space === 'MediaWiki' ? 'Project' : $space;
}

/** What the visitor calls this server. */
function server(): string
{
    $host = $_SERVER['HTTP_HOST'] ?? '';
    $host = preg_match('/^[A-Za-z0-9.-]+(:[0-9]+)?$|^\[[0-9A-Fa-f:.]+\](:[0-9]+)?$/', $host) ? $host : 'localhost';
    return (($_SERVER['HTTPS'] ?? '') === 'on' ? 'https://' : 'http://') . $host;
}
