{{ config_get("user.conpaas.hostname", "conpaas") }}
