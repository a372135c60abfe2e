# shellcheck shell=bash disable=SC2034,SC2317,SC2154
# corpus/script.sh - group S: what a script does.

misdeed() {
	local name=$1
	shift
	under -o misdeed="$name" policies/misdeeds.lua "$@"
}

# refused_at_start FILE PATTERN: exit status 2 before anything is attached.
refused_at_start() {
	local seq status
	seq=$(enable_seq)
	build/scxlua "$1" >/dev/null 2>"$run/log"
	status=$?
	expect 'exit status 2' is "$status" -eq 2
	expect "a line with $2" logged "$2"
	expect 'one line' is "$(wc -l <"$run/log")" -eq 1
	expect 'never enabled' is "$(enable_seq)" -eq "$seq"
	what "exit $status"
}

title[S01]='syntax error at the start'
S01() {
	echo 'return {' >"$run/bad.lua"
	refused_at_start "$run/bad.lua" 'bad\.lua:[12]:'
}
title[S02]='missing file at the start'
S02() { refused_at_start "$run/none.lua" "cannot read .*none\\.lua"; }
title[S03]='a directory as policy'
S03() { refused_at_start "$run" "cannot read $run"; }

# reload_refused TEXT PATTERN CMD...: CMD spoils the file, SIGHUP is answered with one line.
reload_refused() {
	local pattern=$1 before
	shift
	cp policies/fifo.lua "$run/edited.lua"
	under "$run/edited.lua" -- spoil "$pattern" "$@"
	expect 'the failure is counted' is "$(num reload_failures)" -eq 1
	expect 'the old policy went on' is "$(($(num worker_restarts) + $(num reloads)))" -eq 0
	what "1 reload refused"
}
spoil() {
	local pattern=$1 log
	shift
	log=$(wc -l <"$run/log")
	"$@"
	kill -HUP "$scx_pid"
	expect "a line with $pattern" wait_for 20 logged "reload failed.*$pattern"
	sleep 1
	expect 'one line' is "$(wc -l <"$run/log")" -eq $((log + 1))
	expect 'still decides' grep -q '#1: queued [1-9]' <(last_line "$run/stats")
}
text() { printf '%s\n' "$1" >"$run/edited.lua"; }
into_directory() { rm "$run/edited.lua" && mkdir "$run/edited.lua"; }
title[S04]='syntax error at SIGHUP'
S04() { reload_refused 'edited\.lua:2' text $'local x\nlocal function f(a b) end'; }
title[S05]='missing file at SIGHUP'
S05() { reload_refused 'cannot read .*edited\.lua' rm "$run/edited.lua"; }
title[S06]='a directory at SIGHUP'
S06() {
	reload_refused 'cannot read .*edited\.lua' into_directory
	rmdir "$run/edited.lua"
}
title[S07]='run-time error at load'
S07() { reload_refused 'edited\.lua:1: attempt to' text 'local x = nil + 1'; }

title[S08]='error in 1 of 50 calls'
S08() {
	misdeed error_sometimes
	expect 'errors are counted' is "$(num policy_errors)" -gt 0
	expect 'those tasks got a default decision' is "$(num defaulted)" -gt 0
	expect 'the policy is kept' is "$(num worker_restarts)" -eq 0
	what "$(num policy_errors) errors, $(num defaulted) defaults"
}
title[S09]='error in every call'
S09() {
	seconds=8
	misdeed error_always
	expect 'the worker is replaced' is "$(num worker_restarts)" -ge 1
	expect 'it says why' logged 'fails all the time'
	what "$(num policy_errors) errors, $(num worker_restarts) restarts"
}

# looping NAME: overruns are noticed, the worker is replaced.
looping() {
	misdeed "$1"
	expect 'the overrun is counted' is "$(num worker_overruns)" -ge 1
	expect 'the worker is replaced' is "$(num worker_restarts)" -ge 1
	expect 'the line is named' logged 'misdeeds\.lua:[0-9]+: enqueue\(\)'
	what "$(num worker_overruns) overruns"
}
title[S10]='endless loop, compiled'
S10() { looping loop; }
title[S11]='endless loop, interpreted'
S11() { looping loop_interpreted; }
title[S12]='endless loop that swallows errors'
S12() { looping loop_pcall; }
title[S13a]='endless loop in a coroutine'
S13a() { looping loop_coroutine; }
title[S13b]='endless loop in __index'
S13b() { looping loop_index; }
title[S13c]='endless loop in a comparator'
S13c() { looping loop_sort; }
title[S13d]='endless loop in a gsub callback'
S13d() { looping loop_gsub; }
title[S13e]='endless loop that says it is in no call'
S13e() {
	seconds=10
	misdeed loop_in_silence
	expect 'the worker is replaced' is "$(num worker_overruns)" -ge 1
	expect 'a line says why' logged 'has given no sign of life in [0-9]* ms of CPU time'
	what "$(num worker_overruns) overruns"
}
title[S14]='catastrophic pattern (C code)'
S14() { looping loop_pattern; }

# starved_of_memory NAME: an error or a crash of the worker, and nothing else.
starved_of_memory() {
	misdeed "$@"
	expect 'errors or a lost worker' is "$(($(num policy_errors) + $(num worker_restarts)))" -gt 0
	what "$(num policy_errors) errors, $(num worker_restarts) restarts, $(num worker_crashes) crashes"
}
title[S15]='allocation bomb'
S15() { starved_of_memory bomb; }
title[S16a]='string of 1 GiB'
S16a() { starved_of_memory bomb_string; }
title[S16b]='table.concat bomb'
S16b() { starved_of_memory bomb_concat; }
title[S17]='slow leak'
S17() {
	seconds=15
	starved_of_memory leak --lua-mem 8
}
title[S18a]='endless recursion in Lua'
S18a() {
	misdeed recursion
	expect 'caught' is "$(num policy_errors)" -gt 0
	what "$(num policy_errors) errors"
}
# LuaJIT has no bound on that, and uses up whatever stack there is.
title[S18b]='endless recursion through C'
S18b() {
	misdeed recursion_c
	expect 'caught, or a crash' is "$(($(num policy_errors) + $(num worker_crashes)))" -gt 0
	expect 'it says in which hook' logged 'in enqueue|enqueue\(\)'
	what "$(num policy_errors) errors, $(num worker_crashes) crashes"
}
odd_error() {
	misdeed "$1"
	expect 'caught' is "$(num policy_errors)" -gt 0
	expect 'one line about it' is "$(lines 'further errors are counted')" -le $((1 + $(num worker_restarts)))
	expect 'no crash' is "$(num worker_crashes)" -eq 0
	what "$(num policy_errors) errors"
}
title[S19a]='error object nil'
S19a() { odd_error error_nil; }
title[S19b]='error object table'
S19b() { odd_error error_table; }
title[S19c]='error object whose __tostring raises'
S19c() { odd_error error_tostring; }

title[S20a]='NaN, inf, negative, huge, fractions in decisions'
S20a() {
	misdeed odd_numbers
	local kind
	for kind in cpu slice vtime flags; do
		expect "bad_$kind is counted" is "$(num "bad_$kind")" -gt 0
	done
	expect 'decisions went on' is "$(num worker_restarts)" -eq 0
	what "bad cpu $(num bad_cpu), slice $(num bad_slice), vtime $(num bad_vtime), flags $(num bad_flags)"
}
title[S20b]='strings, tables, booleans in decisions'
S20b() {
	misdeed odd_types
	expect 'errors' is "$(num policy_errors)" -gt 0
	what "$(num policy_errors) errors"
}
title[S20c]='held counts: lies, a string, negative, more than room'
S20c() {
	local kind all=''
	seconds=2
	for kind in hold_lies hold_string hold_negative hold_greedy; do
		misdeed $kind
		all+=" $kind aged $(num aged_out) errors $(num policy_errors)"
	done
	what "$all"
}
title[S21a]='never dispatches'
S21a() {
	misdeed drop_all
	expect 'aged out' is "$(num aged_out)" -gt 100
	expect 'forgotten is counted' is "$(num forgotten)" -gt 0
	what "aged out $(num aged_out), forgotten $(num forgotten)"
}
title[S21b]='dispatches half'
S21b() {
	misdeed drop_half
	expect 'aged out' is "$(num aged_out)" -gt 10
	expect 'decided too' is "$(num decided)" -gt 10
	what "aged out $(num aged_out) of $(num queued)"
}
title[S22a]='a task twice'
S22a() {
	misdeed twice
	expect 'rejected' is "$(num reject_twice)" -gt 0
	what "$(num reject_twice) rejected"
}
title[S22b]='a task that is not queued'
S22b() {
	misdeed not_queued
	expect 'rejected' is "$(num reject_twice)" -gt 0
	what "$(num reject_twice) rejected"
}
title[S22c]='a forged pointer'
S22c() {
	misdeed forged
	expect 'rejected or the worker is lost' is "$(($(num reject_unknown) + $(num worker_restarts)))" -gt 0
	what "$(num reject_unknown) rejected, $(num worker_crashes) crashes"
}
title[S22d]='a forged position in the decision ring'
S22d() {
	seconds=8
	misdeed forged_ring
	expect 'the worker is replaced' is "$(num worker_overruns)" -ge 1
	expect 'a line says why' logged 'wrote into the decision ring'
	what "$(num worker_overruns) workers replaced"
}
title[S23]='tasks kept past the end of their threads'
S23() {
	seconds=8
	misdeed keeps_the_dead
	expect 'rejected' is "$(($(num reject_unknown) + $(num reject_twice)))" -gt 0
	expect 'none for a thread that is not meant' is "$(num gone)" -le "$(num threads_gone)"
	what "$(num reject_unknown) unknown, $(num reject_twice) not waiting, $(num gone) gone"
}
title[S24a]='an index past the batch'
S24a() {
	misdeed past_the_end
	expect 'rejected or an error' is "$(($(num reject_unknown) + $(num reject_twice) + $(num policy_errors) + $(num worker_crashes)))" -gt 0
	what "$(num reject_unknown) unknown, $(num reject_twice) twice, $(num worker_crashes) crashes"
}
title[S24b]='a write to a read-only field'
S24b() {
	misdeed read_only
	expect 'a Lua error' is "$(num policy_errors)" -gt 0
	what "$(num policy_errors) errors"
}
title[S24c]='a write over the task table'
S24c() {
	misdeed scribble
	what "crashes $(num worker_crashes), rejected $(num reject_unknown), restarts $(num worker_restarts)"
}
# By each worker again, three seconds after its start: the next one would have nothing decided in time if
# what the last one left were still there.
title[S24d]='the words shared with BPF are forged, before a crash'
S24d() {
	seconds=9
	misdeed hold_forged
	expect 'crashes' is "$(num worker_crashes)" -ge 2
	expect 'the next workers decide' is "$(num aged_out)" -lt $(($(num decided) / 4))
	what "$(num worker_crashes) crashes, decided $(num decided), aged out $(num aged_out)"
}
# The second CPU takes what the policy still decides about: it runs, and comes back before the decision.
title[S31]='decides 40 ms late, when tasks have aged out and come back'
S31() {
	(($(nproc) > 1)) || { cannot 'it needs two CPUs' && return; }
	misdeed slow
	expect 'aged out' is "$(num aged_out)" -gt 100
	expect 'decisions about an earlier wait are dropped' is "$(num stale)" -gt 0
	what "aged out $(num aged_out), stale $(num stale), late $(num late)"
}
title[S30]='mutates the metatable of strings, math, string'
S30() {
	misdeed mutate
	what "errors $(num policy_errors), restarts $(num worker_restarts)"
}

# breach NAME CALL: the misdeed is a system call, and the sandbox ends the worker.
breach() {
	misdeed "$1"
	expect 'the kill is counted' is "$(num sandbox_kills)" -gt 0
	expect "the log names $2 and the line" logged \
		"misdeeds\\.lua:[0-9]+: enqueue\\(\\): the policy made the system call $2, which"
	what "$(num sandbox_kills) kills"
}
title[S25a]='opens a file through ffi.C'
S25a() { breach open openat; }
title[S25b]='opens a socket through ffi.C'
S25b() { breach socket socket; }
title[S25c]='starts a process through ffi.C'
S25c() { breach fork '(clone|.unknown: signals were blocked.)'; }

title[S26]='bytecode as policy'
S26() {
	luajit -b policies/fifo.lua "$run/bytecode.lua"
	refused_at_start "$run/bytecode.lua" 'bytecode'
}

title[S27]='a policy that everyone can write'
S27() {
	cp policies/fifo.lua "$run/open.lua"
	chmod 666 "$run/open.lua"
	refused_at_start "$run/open.lua" 'open\.lua can be written by everyone'
}

title[S28]='SIGHUP 100 times a second for 5 s'
S28() {
	cp policies/fifo.lua "$run/edited.lua"
	under "$run/edited.lua" -- hup_storm
	expect 'reloaded' is "$(num reloads)" -gt 0
	expect 'no failure' is "$(($(num reload_failures) + $(num worker_restarts)))" -eq 0
	expect 'the last file won' grep -q '"applied_slice_ns": 9000000' "$run/json"
	what "$(num reloads) reloads"
}
hup_storm() {
	local i
	for ((i = 0; i < 500; i++)); do
		kill -HUP "$scx_pid"
		sleep 0.01
	done
	with_slice fifo 9000 | script=$run/edited.lua edit
	sleep 5
}
title[S29]='the file is rewritten while it is read'
S29() {
	cp policies/fifo.lua "$run/edited.lua"
	under "$run/edited.lua" -- rewrite_storm
	expect 'half a file is never loaded: whole ones are' is "$(num reloads)" -gt 0
	expect 'no worker lost' is "$(num worker_restarts)" -eq 0
	what "$(num reloads) reloads, $(num reload_failures) refused"
}
rewrite_storm() {
	local i
	for ((i = 0; i < 40; i++)); do
		head -c $((i * 20)) policies/fifo.lua >"$run/edited.lua"
		kill -HUP "$scx_pid"
		sleep 0.05
		cat policies/fifo.lua >"$run/edited.lua"
		sleep 0.05
	done
	kill -HUP "$scx_pid"
	sleep 2
}
