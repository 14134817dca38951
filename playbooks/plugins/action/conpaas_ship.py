"""Takes a machine's tree from a file of the controller and its code's archive, and gives them to the module.

The tree travels in the module's own payload (standard input), never as an argument of a process, and is in no log.
A machine that joins the application's network makes its own key; here its public half is signed, and the certificate
travels with the tree. The authority's key stays on this side.
"""

import base64
import json
import shlex
import zlib
from datetime import timedelta
from ipaddress import IPv4Interface
from pathlib import Path

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from conpaas_iac import settings
from conpaas_iac.errors import ConpaasError
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates

CODE_FOLDER = "/srv/conpaas/code"  # as in module_utils/conpaas_code.py


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_diff = True
    _VALID_ARGS = frozenset(("tree",))

    def run(self, tmp=None, task_vars=None):
        super().run(tmp, task_vars)
        tree = json.loads(Path(self._task.args["tree"]).read_bytes())
        enrolment = tree.pop("enrol", None)
        signed = self._enrol(tree, enrolment) if enrolment and not self._task.check_mode else None
        arguments = {"tree": base64.b64encode(zlib.compress(json.dumps(tree).encode())).decode()}
        code = tree.get("code")
        if code and not self._task.check_mode and not self._there(code["version"]):
            result = self._with_code(code["archive"], arguments, task_vars)
        else:
            result = self._execute_module("conpaas_ship", module_args=arguments, task_vars=task_vars)
        result.pop("invocation", None)
        return {**result, "certificate": signed} if signed else result

    def _enrol(self, tree, enrolment):
        """Sign the machine's own key; the certificate becomes a file of the tree. Returns what is remembered of it."""
        subject, authority = enrolment["subject"], certificates.Authority(**enrolment["authority"])
        program = nebula.need(settings.load()).cert
        try:
            certificate = certificates.sign(
                program,
                authority,
                self._public_key(enrolment["key"]),
                certificates.Subject(subject["name"], IPv4Interface(subject["address"]), tuple(subject["groups"])),
                timedelta(seconds=enrolment["seconds"]),
            )
            facts = certificates.read(program, certificate)[0]
        except ConpaasError as error:
            raise AnsibleActionFail(f"the certificate could not be signed: {error.message}") from error
        entry = {name: enrolment[name] for name in ("path", "unit", "on_change")}
        tree["files"].append({**entry, "content": certificate, "mode": "0600"})
        return {
            "fingerprint": facts.fingerprint,
            "begins": facts.begins.isoformat(),
            "ends": facts.ends.isoformat(),
        }

    def _public_key(self, key):
        """Of the machine's key, which it makes now if it has none; half a key, of a killed run, is no key."""
        private, public = shlex.quote(key), shlex.quote(f"{key}.pub")
        result = self._low_level_execute_command(
            f"umask 077 && mkdir -p {shlex.quote(str(Path(key).parent))} && "
            f"{{ test -s {private} && test -s {public} || {{ rm -f {private} {public} && "
            f"nebula-cert keygen -out-key {private} -out-pub {public}.new && mv {public}.new {public}; }}; }} && "
            f"chown 0:0 {private} && chmod 0600 {private} && "
            f"cat {public}",
            sudoable=False,
        )
        if result["rc"]:
            raise AnsibleActionFail(f"the machine could not make its key: {result['stderr'] or result['stdout']}")
        return result["stdout"]

    def _there(self, version):
        """Whether the machine has the version; a twentieth of what a call of the module costs."""
        place = shlex.quote(f"{CODE_FOLDER}/{version}")
        return self._low_level_execute_command(f"test -d {place}", sudoable=False)["rc"] == 0

    def _with_code(self, archive, arguments, task_vars):
        folder = self._make_tmp_path()
        try:
            remote = self._transfer_file(archive, self._connection._shell.join_path(folder, "code.tar.gz"))
            arguments = {**arguments, "archive": remote}
            return self._execute_module("conpaas_ship", module_args=arguments, task_vars=task_vars)
        finally:
            self._remove_tmp_path(folder)
