#!/bin/bash
# Do the tests bite? Each guard is turned off by its fault switch, and a case of the corpus that
# passes with it must fail without it.
# shellcheck source=tests/vm/lib.sh
. tests/vm/lib.sh
tree=$OLDPWD
# shellcheck source=tests/vm/corpus/lib.sh
. "$tree/tests/vm/corpus/lib.sh"
for group in script kernel runtime; do
	# shellcheck source=/dev/null
	. "$tree/tests/vm/corpus/$group.sh"
done

bites no_age S21a
bites no_starve R23
bites no_stale S31
bites no_validate S20a
bites no_bypass R03
bites no_watchdog S10
finish
