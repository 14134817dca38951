<?php
// WordPress's database, whose name may have several addresses: the balancers of the service. One that does not answer
// is passed over after two seconds and tried last for a while; libraries give the first one all the time there is.

class ConPaaS_Database extends wpdb
{
    private const PATIENCE = 8; // seconds, while balancers change

    public function db_connect($allow_bail = true)
    {
        $written = $this->dbhost;
        [$name, $port] = $this->parse_db_host($written);
        $patience = ini_set('default_socket_timeout', '2');
        try {
            $end = microtime(true) + self::PATIENCE;
            do {
                foreach ($this->addresses($name) as $address) {
                    $this->dbhost = $port ? "$address:$port" : $address;
                    if (parent::db_connect(false)) {
                        return true;
                    }
                    if (mysqli_connect_errno() === 1045) {
                        break 2; // wrong password, everywhere
                    }
                    touch($this->note($address));
                }
                usleep(300000);
            } while (microtime(true) < $end);
        } finally {
            ini_set('default_socket_timeout', $patience);
            $this->dbhost = $written;
        }
        return $allow_bail ? parent::db_connect() : false;
    }

    private function addresses($name)
    {
        $found = gethostbynamel($name) ?: [$name];
        $silent = fn ($address) => @filemtime($this->note($address)) > time() - 10;
        usort($found, fn ($one, $other) => $silent($one) <=> $silent($other));
        return $found;
    }

    private function note($address)
    {
        return getenv('CONPAAS_DATA') . "/silent-$address";
    }
}

$wpdb = new ConPaaS_Database(DB_USER, DB_PASSWORD, DB_NAME, DB_HOST);
