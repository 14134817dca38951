<?php
// Like MediaWiki's own, for a name that has several addresses.

class DatabaseConpaas extends Wikimedia\Rdbms\DatabaseMysqli
{
    protected function mysqlConnect($server, $user, $password, $db)
    {
        [$name, $port] = explode(':', $server);
        return ConPaaS\first_answer($name, fn ($address) => $this->at("$address:$port", $user, $password, $db));
    }

    private function at($server, $user, $password, $db)
    {
        return parent::mysqlConnect($server, $user, $password, $db);
    }
}
