127.0.0.1 localhost
127.0.1.1 {{ config_get("user.conpaas.hostname", "conpaas") }}
::1 localhost ip6-localhost ip6-loopback
