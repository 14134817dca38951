<?php
// WordPress's database, whose name may have several addresses: the balancers of the service. One that does not answer
// is passed over after two seconds and tried last for a while; libraries give the first one all the time there is.

class ConPaaS_Database extends wpdb
{
    public function db_connect($allow_bail = true)
    {
        $written = $this->dbhost;
        [$name, $port] = $this->parse_db_host($written);
        $patience = ini_set('default_socket_timeout', '2');
        try {
            for ($round = 0; $round < 3; $round++) {
                foreach ($this->addresses($name) as $address) {
                    $this->dbhost = $port ? "$address:$port" : $address;
                    if (parent::db_connect(false)) {
                        return true;
                    }
                    touch($this->note($address));
                }
                usleep(300000);
            }
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
