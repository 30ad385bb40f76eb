#!/bin/sh
# Installs the TongWeb stand-in (Apache Tomcat 9) as the vendor's installer does:
#   sh Install_TW7.bin -i silent -f install.properties
# What is installed follows the last line of this script.
set -eu

die() { echo "installer of the TongWeb stand-in: $*" >&2; exit 1; }

property() { sed -n "s/^$1=//p" "$properties" | tr -d '"\r'; }

[ "${1:-}" = -i ] && [ "${2:-}" = silent ] && [ "${3:-}" = -f ] && [ -r "${4:-}" ] ||
    die "only the silent installation is there: -i silent -f PROPERTIES"
properties=$4
[ "$(property INSTALL_UI)" = silent ] || die "INSTALL_UI is '$(property INSTALL_UI)'; allowed: silent"
target=$(property USER_INSTALL_DIR)
case $target in
    /*) ;;
    *) die "USER_INSTALL_DIR is '$target'; allowed: an absolute path" ;;
esac
java_home=$(property SILENT_JDK_HOME)
[ -x "$java_home/bin/java" ] || die "SILENT_JDK_HOME is '$java_home', which has no bin/java"
# Application, console, ejb, jmx and shutdown; ejb and jmx have no counterpart here.
ports=$(property USER_INPUT_PORTS_RESULTS)
echo "$ports" | grep -Eq '^[0-9]+(,[0-9]+){4}$' || die "USER_INPUT_PORTS_RESULTS is '$ports'; allowed: five ports"
mkdir -p "$target"
payload=$(($(sed -n '/^__PAYLOAD__$/=' "$0" | head -n 1) + 1))
tail -n "+$payload" "$0" | tar --extract --gzip --directory "$target" --strip-components=1
sed -i -e "s/port=\"8088\"/port=\"$(echo "$ports" | cut -d, -f1)\"/" \
    -e "s/port=\"9060\"/port=\"$(echo "$ports" | cut -d, -f2)\"/" \
    -e "s/port=\"7090\"/port=\"$(echo "$ports" | cut -d, -f5)\"/" "$target/conf/tongweb.xml"
exit 0
__PAYLOAD__
