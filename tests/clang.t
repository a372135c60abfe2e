#!/bin/bash
# The build takes gcc; clang is to have no other opinion of the runtime (TAP, one test a file).
#
#   B=build tests/clang.t
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
n=0
read -ra flags < <(pkg-config --cflags luajit jansson libcap libseccomp | sed 's/-I/-isystem /g')

for file in runtime/*.c; do
	n=$((n + 1))
	if said=$(clang-19 -fsyntax-only -std=gnu11 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
		-Wstrict-prototypes -Wwrite-strings -Wundef -Wformat=2 -Wimplicit-fallthrough -Wvla \
		-DSCXLUA_VERSION='""' -DSCXLUA_INSTALLED_LIBDIR='""' -Ibpf -Iruntime -isystem "${B:-build}" \
		"${flags[@]}" "$file" 2>&1); then
		echo "ok $n - $file"
	else
		echo "not ok $n - $file"
		printf '%s\n' "$said" | sed 's/^/# /'
	fi
done
echo "1..$n"
