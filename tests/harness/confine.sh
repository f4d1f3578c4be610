#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Runs a program as a container without privileges would (readOnlyRootFilesystem, all
# capabilities dropped, allowPrivilegeEscalation: false, a seccomp filter), as nobody:
#
#   confine.sh WRITABLE COMMAND [ARGUMENT...]
#
# All that is mounted is read-only for it but the folder WRITABLE, which must be nobody's.
# The process keeps its id through all of it.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

if [ "$1" != --mounts ]; then
	exec unshare --mount --propagation private -- "$0" --mounts "$@"
fi
writable=$(readlink -f "$2")
shift 2
mount --bind "$writable" "$writable"
# Field 5 is where; blanks are octal there.
cut -d ' ' -f 5 /proc/self/mountinfo | while read -r where; do
	where=$(printf '%b' "$where")
	[ "$where" = "$writable" ] || mount -o remount,bind,ro "$where" 2>/dev/null ||
		{ echo "confine: $where stays writable" >&2 && exit 1; }
done
exec setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --ambient-caps=-all \
	--bounding-set=-all --no-new-privs -- "$here/seccomp.py" "$@"
