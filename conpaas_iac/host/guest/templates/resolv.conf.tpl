{% if config_get("user.conpaas.resolver", "") %}nameserver {{ config_get("user.conpaas.resolver", "") }}
{% endif %}options timeout:2
