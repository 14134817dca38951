"""The files of the php type, rendered for machines of every mixture of groups."""

from functools import partial

import pytest

from conpaas_iac.core import quoting
from tests.unit.roles import rendered

render = partial(rendered.render, "php")


@pytest.mark.parametrize("groups", rendered.mixtures("php"), ids="-".join)
def test_every_mixture_renders_and_nginx_includes_what_is_there(groups: tuple[str, ...]) -> None:
    files = render(groups)
    for group in ("web", "backend"):
        if "/etc/nginx/nginx.conf" in files:
            assert (f"include conpaas/{group}.conf;" in files["/etc/nginx/nginx.conf"]) == (group in groups)
        assert (f"/etc/nginx/conpaas/{group}.conf" in files) == (group in groups)
    assert ("/etc/haproxy/haproxy.cfg" in files) == ("proxy" in groups)
    assert all(text.endswith("\n") for text in files.values())


def test_inner_ports_are_bound_to_the_fixed_address_only() -> None:
    files = render()
    binds = [line.split()[1] for text in files.values() for line in text.splitlines()
             if line.strip().startswith(("listen 1", "listen *", "bind "))]
    assert sorted(set(binds)) == ["10.42.32.1", "10.42.32.1:8080", "10.42.32.1:8080;", "10.42.32.1:8081",
                                  "10.42.32.1:8081;", "10.42.32.1:8082", "127.0.0.1:6380", ":80"]
    assert "\nbind 10.42.32.1 127.0.0.1\n" in files["/etc/redis/redis.conf"]


def test_a_new_backend_changes_the_proxies_alone() -> None:
    one, two = render(("proxy", "web")), render(("proxy", "web", "backend"))
    changed = {path for path in one if one[path] != two[path]}
    own = {"/etc/nginx/nginx.conf", "/usr/local/lib/conpaas/serving"}  # the machine itself is the backend
    assert changed == {"/etc/haproxy/haproxy.cfg"} | own
    assert "backend" not in one["/etc/nginx/conpaas/web.conf"]


def test_secrets_are_in_files_that_are_closed() -> None:
    modes = {file.path: file.mode for file in rendered.TYPES["php"].descriptor.files}
    holding = {path for path, text in render().items() if "s3cret" in text}
    assert holding == {"/etc/conpaas/sessions"}
    assert {modes[path] for path in holding} == {"0600"}


def test_options_reach_every_file_that_depends_on_them() -> None:
    files = render(post_max_size="64M", max_execution_time=0, display_errors=True, private=["conf.d"], fallback="")
    backend = files["/etc/nginx/conpaas/backend.conf"]
    assert "client_max_body_size 64M;" in backend
    assert r"location ~ ^/conf\.d(/|$)" in backend
    assert r"location ~ ^/conf\.d(/|$)" in files["/etc/nginx/conpaas/web.conf"]
    assert "try_files $uri $uri/ =404;" in backend
    assert "display_errors = On" in files["/etc/php/8.2/fpm/conf.d/90-conpaas.ini"]
    assert "timeout server 86400s" in files["/etc/haproxy/haproxy.cfg"]
    assert "timeout server 86400s" in files["/etc/haproxy/sessions.cfg"]
    assert "redis.session.lock_expire = 3660\n" in files["/etc/php/8.2/fpm/conf.d/90-conpaas.ini"]


def test_code_that_cannot_change_is_not_looked_at() -> None:
    ini = "/etc/php/8.2/fpm/conf.d/90-conpaas.ini"
    assert "opcache.validate_timestamps = 0" in render(writable_code=False)[ini]
    assert "opcache.validate_timestamps = 1" in render()[ini]


def test_the_placeholder_answers_without_code() -> None:
    files = render(code="", document_root="public")
    for name in ("web", "backend"):
        assert "root /srv/conpaas/placeholder;" in files[f"/etc/nginx/conpaas/{name}.conf"]
    assert "Wiki &lt;b&gt;" in files["/srv/conpaas/placeholder/index.html"]
    assert "root /srv/conpaas/code/current/public;" in render(document_root="public")["/etc/nginx/conpaas/web.conf"]


def test_each_variable_is_passed_exactly_once() -> None:
    values = {"A": "it's ${x}", "B": "$x", "C": "", "D": "a\nb", "E": 'a"b\\'}
    files = render(environment=values)
    pool, nginx = files["/etc/php/8.2/fpm/pool.d/www.conf"], files["/etc/nginx/conpaas/backend.conf"]
    for name, value in values.items():
        in_pool, in_nginx = f"env[{name}] = " in pool, f"fastcgi_param {name} " in nginx
        assert (in_pool, in_nginx) == (quoting.fits_fpm(value), not quoting.fits_fpm(value))
    assert """env[A] = 'it'"'"'s ${x}'\n""" in pool
    assert 'fastcgi_param B "${dollar}x";' in nginx
    assert 'fastcgi_param C "";' in nginx
