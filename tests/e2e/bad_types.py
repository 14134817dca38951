"""Types that are wrong in one way each: what of the skeleton is another way, and what the suite has to say of it."""

from dataclasses import dataclass
from pathlib import Path

SERVICE, SITE, VERIFY, LEAVE = (
    "meta/service.yml", "templates/etc/nginx/sites-enabled/default.j2", "tasks/verify.yml", "tasks/leave.yml",
)  # fmt: skip
TASK = "---\n- name: {name}\n  ansible.builtin.raw: {line}\n  changed_when: false\n"
FILES, UNITS, NGINX = "files:\n", "units:\n", "  - {name: nginx, groups: [server]}\n"


@dataclass(frozen=True)
class Bad:
    """Which check fails, for which reason; patches are (file, text, another text), an empty text is the file's end."""

    check: str
    reason: str
    patches: tuple[tuple[str, str, str], ...]

    def apply(self, role: Path) -> None:
        """Make a type of the skeleton bad."""
        for place, before, after in self.patches:
            path = role / place
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text() if path.exists() else ""
            assert before in text, f"{place} has no {before!r}"
            path.write_text(text.replace(before, after, 1) if before else text + after)


LOCK = "/etc/systemd/system/nginx.service.d/lock.conf"
LOCKING = """[Service]
ExecStartPre=/bin/mkdir /var/lib/page
ExecStop=/bin/rmdir /var/lib/page
"""
TELLS = "/etc/systemd/system/page-tells.service"
TELLING = """[Service]
Environment=SECRET={{ service.environment.CONPAAS_TEST_SECRET | systemd }}
ExecStart=/bin/bash -c 'echo "$SECRET" | tee /srv/conpaas/page/told; exec -a "page $SECRET" sleep infinity'
[Install]
WantedBy=multi-user.target
"""

BAD = {
    "install": Bad("install", "nginx does not start", ((SITE, "listen 80", "lisssten 80"),)),
    "idempotence": Bad(
        "idempotence",
        "a second configure restarts tested-1: nginx, although nothing changed",
        ((VERIFY, "---\n", TASK.format(name="verify", line="systemctl restart nginx")),),
    ),
    "verify": Bad(
        "verify server",
        "verify passes on tested-1 although unit nginx is stopped",
        ((VERIFY, "group: server", "group: nobody"),),
    ),
    "scale": Bad(
        "scale server",
        "nginx does not",
        ((SITE, "listen 80", "{% if service.groups.server | length > 1 %}lis{% endif %}listen 80"),),
    ),
    "kill": Bad(
        "kill server",
        "tested-1 lost its power, and one `up` does not mend it",
        (
            (SERVICE, FILES, f"{FILES}  - {{path: {LOCK}, groups: [server], unit: nginx, on_change: restart}}\n"),
            (f"templates{LOCK}.j2", "", LOCKING),
        ),
    ),
    "restart": Bad(
        "restart",
        "`conpaas start` ended with 3",
        (
            (SERVICE, "path: /srv/conpaas/page/index.html", "path: /run/page/index.html"),
            (SITE, "root /srv/conpaas/page", "root /run/page"),
            ("templates/run/page/index.html.j2", "", "<p>{{ service.options.greeting | html }}</p>\n"),
        ),
    ),
    "leave": Bad(
        "leave server",
        "removed although tasks/leave.yml did nothing there",
        ((LEAVE, "  changed_when: false", "  changed_when: false\n  when: false"),),
    ),
    "drain": Bad(
        "leave server",
        "changed without leaving service first, tasks/drain.yml did nothing",
        ((SERVICE, UNITS, f"drain: [server]\n{UNITS}"),),
    ),
    "requests": Bad(
        "leave server",
        "requests failed while machines were changed one after another",
        (
            (SERVICE, UNITS, f"drain: [server]\n{UNITS}"),
            ("tasks/drain.yml", "", TASK.format(name="drain", line="systemctl stop nginx")),
        ),
    ),
    "secrets": Bad(
        "secrets",
        "canary in tested-1, arguments of a process: sleep",
        (
            (SERVICE, FILES, f'{FILES}  - {{path: {TELLS}, unit: page-tells, on_change: restart, mode: "0640"}}\n'),
            (SERVICE, NGINX, f"{NGINX}  - {{name: page-tells, groups: [server]}}\n"),
            (f"templates{TELLS}.j2", "", TELLING),
        ),
    ),
}  # fmt: skip
