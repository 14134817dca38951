#!/bin/sh
# Makes jspwiki.war from Maven Central's; see README.md. fetch.sh [--force]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
version=2.11.2
checksum=78383a058e0e5ff3d9c21a338772daf8db6f92e1a66ae7c101a1287322afac1a

say() { printf '%s\n' "fetch.sh: $*"; }
fail() { printf '%s\n' "fetch.sh: $*" >&2; exit 1; }

if [ -e "$here/jspwiki.war" ] && [ "${1:-}" != --force ]; then
    say "jspwiki.war is there; --force makes it again"
    exit 0
fi
for tool in mvn jar openssl sed sha256sum; do
    command -v "$tool" >/dev/null || fail "$tool is missing: this needs Maven, a JDK and OpenSSL"
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say "downloading JSPWiki $version"
mvn -q dependency:copy -Dartifact="org.apache.jspwiki:jspwiki-war:$version:war" -DoutputDirectory="$work" >"$work/log" 2>&1 || {
    tail -n 3 "$work/log" >&2
    fail "the war cannot be downloaded: does Maven reach its repository?"
}
war=$work/jspwiki-war-$version.war
echo "$checksum  $war" | sha256sum --check --quiet || fail "the war is not the one that was looked at"

mkdir -p "$work/code/WEB-INF/classes" "$work/code/META-INF"
cd "$work/code"
jar xf "$war" WEB-INF/web.xml WEB-INF/jspwiki.policy

# The container logs in, so that its sessions, which every backend has, know who somebody is. No TLS is spoken here.
sed -i -e '/REMOVE ME TO ENABLE CONTAINER-MANAGED AUTH/d' -e '/<user-data-constraint>/,/<\/user-data-constraint>/d' WEB-INF/web.xml
# Only who is logged in may write.
sed -i '/Role "\(Anonymous\|Asserted\)" {/,/};/d' WEB-INF/jspwiki.policy

[ -s "$here/admin.password" ] || (umask 077 && openssl rand -hex 12 >"$here/admin.password")
hash=$(tr -d '\n' <"$here/admin.password" | openssl dgst -sha256 -r | cut -d' ' -f1)
cat >META-INF/context.xml <<'XML'
<Context>
  <Realm className="org.apache.catalina.realm.MemoryRealm" pathname="/srv/conpaas/java/current/ROOT/WEB-INF/users.xml">
    <CredentialHandler className="org.apache.catalina.realm.MessageDigestCredentialHandler" algorithm="SHA-256"/>
  </Realm>
</Context>
XML
cat >WEB-INF/users.xml <<XML
<tomcat-users>
  <user username="admin" password="$hash" roles="Admin,Authenticated"/>
</tomcat-users>
XML

# Pages outlast versions of the code: they are in the machine's data folder.
data=/srv/conpaas/data/jspwiki
cat >WEB-INF/classes/jspwiki-custom.properties <<PROPERTIES
jspwiki.applicationName = JSPWiki on ConPaaS
jspwiki.workDir = $data/work
jspwiki.fileSystemProvider.pageDir = $data/pages
jspwiki.basicAttachmentProvider.storageDir = $data/pages
jspwiki.pageProvider = VersioningFileProvider
jspwiki.xmlUserDatabaseFile = $data/users.xml
jspwiki.xmlGroupDatabaseFile = $data/groups.xml
jspwiki.use.external.logconfig = true
PROPERTIES
jar uf "$war" -C "$work/code" .
mv "$war" "$here/jspwiki.war"
say "jspwiki.war is made; log in as admin with the password in $here/admin.password"
