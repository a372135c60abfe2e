-- SPDX-License-Identifier: GPL-2.0-only
--
-- api.lua - the interface of policies as data, and its only description: lua/gen.lua makes
-- lua/REFERENCE.md, the definitions for editors and luacheck's standard from it, and
-- tests/lua/api.t.lua compares it with the real module, structs, hooks and objects, both ways.
--
-- An entry: { name, cost =, help =, ... }. `cost` is a key of `costs`.
--   a function   args = { { name, type, help }, ... }, "?" after a name: it may be left out;
--                ret = { type, help } or none; err: when it raises an error, or none
--   a value      type =, and rw = true if a policy may write it
--   a C field    c = its type in bpf/abi.h (which gives the Lua type), and rw
-- Types are written as for lua-language-server. Times are nanoseconds of CLOCK_MONOTONIC unless the
-- name says otherwise.

local api = { abi = 2 }

-- What a use costs in compiled code; lua/COSTS.md has the measurements.
api.costs = {
	{ "const", "nothing: the compiler folds it into the code" },
	{ "read", "one load from memory, under 1 ns when it is in the cache" },
	{ "plain", "Lua on plain memory, compiled into its caller: 1 to 15 ns" },
	{ "call", "a call of a C function: 3 to 50 ns" },
	{ "queue", "a call of a C function whose time grows with the logarithm of the queue's length" },
	{ "cold", "allocates, builds a string or writes a line: not in enqueue() or dispatch()" },
	{ "hook", "called by the runtime; costs what the policy does in it" },
}

-- ---- the module scx ----

api.scx = {
	{ "dispatch", cost = "plain",
		help = "States a decision: run this task next on that CPU, for that long. An impossible "
			.. "CPU, slice, vtime or flag is replaced and counted (bad_cpu, bad_slice, bad_vtime, "
			.. "bad_flags), a second decision for a task is dropped and counted (reject_twice).",
		args = {
			{ "task", "scx.task", "a task that waits for a decision: from the array that "
				.. "enqueue() got, or from a queue" },
			{ "cpu?", "integer", "CPU_ANY (default) or 0..nr_cpus-1; one that the task may not use "
				.. "is replaced by the task's own CPU and counted (bounced)" },
			{ "slice_ns?", "number", "nanoseconds; 0 (default) means slice_us; below 50000 "
				.. "(50 us) or above --max-slice-us: clamped and counted (bad_slice)" },
			{ "vtime?", "number", "order within the target queue, lowest first, 0..2^63; those of two "
				.. "queues are never compared: a CPU takes from its own queue first. Default: "
				.. "the time of this batch, so that a policy that gives none is first come, first "
				.. "served" },
			{ "flags?", "integer", "0 (default), PREEMPT, IF_IDLE or both; PREEMPT with CPU_ANY "
				.. "interrupts the task's last CPU if none is idle" },
		},
		ret = { "boolean", "true; false if the ring to the kernel is full: keep the task and try "
			.. "again in the next dispatch(). enqueue() need not look: there is room for one decision "
			.. "about each task that it was given" },
		err = "an argument of the wrong type" },
	{ "allowed", cost = "call",
		help = "May the task run on that CPU? By its CPU affinity when it was last enqueued.",
		args = { { "task", "scx.task", "any live task" }, { "cpu", "integer", "number of a CPU" } },
		ret = { "boolean", "false too if there is no such CPU" } },
	{ "pick_idle", cost = "call",
		help = "Picks an idle CPU for a task, and remembers that it has been given out until it was "
			.. "seen busy or 1 ms has passed. In this order: the task's last CPU if its whole core "
			.. "is idle; its last CPU; a wholly idle core with the same last-level cache; an idle "
			.. "CPU with the same last-level cache; a wholly idle core anywhere; any idle CPU. "
			.. "Use it with IF_IDLE, because the CPU may be taken before the decision arrives.",
		args = {
			{ "task", "scx.task", "the task that the CPU is for" },
			{ "llc?", "integer", "only CPUs of this last-level cache; default: any" },
		},
		ret = { "integer?", "a CPU that the task may use; nil if none is idle" } },
	{ "kick", cost = "call",
		help = "Wakes a CPU, so that it looks for work, or interrupts what runs there (its task is "
			.. "enqueued again). Decisions made before go to the kernel before. A CPU that does not "
			.. "exist is counted (bad_cpu).",
		args = {
			{ "cpu", "integer", "0..nr_cpus-1" },
			{ "flags?", "integer", "0 (default): wake it if it is idle; PREEMPT: interrupt what "
				.. "runs there" },
		},
		ret = { "boolean", "true; false if the ring to the kernel is full" } },
	{ "now", cost = "call",
		help = "The time now. Cheaper where it will do: task.enqueue_ns.",
		ret = { "number", "nanoseconds of CLOCK_MONOTONIC" } },
	{ "nr_held", cost = "call",
		help = "How many tasks the policy was given and has not decided yet.",
		ret = { "integer", "tasks, now" } },
	{ "nr_queued", cost = "call",
		help = "How many decided tasks wait for a CPU in the kernel: on the shared queue, on the "
			.. "queues of the CPUs, and on their way there.",
		ret = { "integer", "tasks, about now" } },
	{ "nr_running", cost = "call",
		help = "How many CPUs run one of the scheduler's tasks.",
		ret = { "integer", "CPUs, about now" } },
	{ "heap", cost = "cold",
		help = "Makes a priority queue of tasks, lowest key first.",
		args = { { "nr?", "integer", "tasks it holds at most, 1..16777216; default: host.max_tasks" } },
		ret = { "scx.heap", "the queue; it is freed with its last reference" },
		err = "a capacity out of range, or no memory" },
	{ "fifo", cost = "cold",
		help = "Makes a first-in, first-out queue of tasks.",
		args = { { "nr?", "integer", "tasks it holds at most, 1..16777216; default: host.max_tasks" } },
		ret = { "scx.fifo", "the queue; it is freed with its last reference" },
		err = "a capacity out of range, or no memory" },
	{ "ring", cost = "cold",
		help = "Makes a ring of numbers that take turns: CPUs, caches, queues.",
		args = { { "n", "integer", "1..1048576: the ring can hold the numbers 0..n-1" } },
		ret = { "scx.ring", "the ring, empty" },
		err = "n out of range" },
	{ "percpu", cost = "cold",
		help = "Makes a queue of tasks for each CPU.",
		args = {
			{ "kind", '"fifo"|"heap"', "what each of them is" },
			{ "cap?", "integer", "tasks per queue; default: max(1024, 4 * max_tasks / nr_cpus), at "
				.. "most max_tasks" },
		},
		ret = { "scx.percpu", "the set, all queues empty" },
		err = "another kind, a capacity out of range, or no memory" },
	{ "vclock", cost = "cold",
		help = "Makes a clock of weighted virtual time, as weighted fair schedulers use.",
		args = { { "start?", "number", "its first time, above 0; default: the time now" } },
		ret = { "scx.vclock", "the clock" },
		err = "start is not a number above 0" },
	{ "random", cost = "cold",
		help = "Makes a generator of pseudo-random numbers: the same seed gives the same sequence "
			.. "on every machine.",
		args = { { "seed?", "number", "its whole part modulo 2^32 counts; default: 1" } },
		ret = { "scx.random", "the generator" },
		err = "the seed is not a finite number" },
	{ "running", cost = "cold",
		help = "Makes a record of how urgent the threads are that run, to find whom to interrupt.",
		ret = { "scx.running", "the record, empty; 64 KiB" },
		err = "memory is short" },
	{ "names", cost = "cold",
		help = "Makes a table of values by thread name, found without making a string.",
		ret = { "scx.names", "the table, empty" } },
	{ "ewma", cost = "plain",
		help = "Exponentially weighted moving average, moved on by one sample: avg + (sample - avg) / n.",
		args = {
			{ "avg", "number", "the average so far" },
			{ "sample", "number", "the new value" },
			{ "n", "number", "1 and up: the sample counts for 1 / n" },
		},
		ret = { "number", "the new average" },
		err = "n is not a number of 1 or more" },
	{ "decay", cost = "call",
		help = "What is left of a value after some time, if half of it goes in each half-life.",
		args = {
			{ "value", "number", "how much there was" },
			{ "dt_ns", "number", "nanoseconds since then; below 0 nothing decays" },
			{ "half_life_ns", "number", "above 0, nanoseconds" },
		},
		ret = { "number", "what is left" },
		err = "half_life_ns is not a number above 0" },
	{ "log", cost = "cold",
		help = "Writes one line of at most 255 bytes to standard error, with the policy's name "
			.. "before it. At most 10 lines a second; the rest is counted and said later.",
		args = {
			{ "fmt", "string", "as for string.format" },
			{ "...", "any", "what it formats" },
		},
		err = "what string.format raises" },
	{ "opt", type = "table<string, any>", cost = "read",
		help = "The policy's options by name, from init() on. Set by -o KEY=VALUE; reading one that "
			.. "is not declared is an error. `scxlua set` changes a value between two calls, and no hook "
			.. "is told: what init() made of it stays as it is until a reload." },
	{ "cpus", type = "scx.cpu[]", cost = "read",
		help = "The CPUs: scx.cpus[0] to scx.cpus[scx.nr_cpus - 1]. Nothing checks the index." },
	{ "nr_cpus", type = "integer", cost = "const",
		help = "Number of possible CPUs; one of them can be offline." },
	{ "slice_us", type = "integer", rw = true, cost = "plain",
		help = "Default slice in microseconds, of decisions that give none: --slice-us, or what the "
			.. "policy set it to. Error unless 100..--max-slice-us." },
	{ "CPU_ANY", type = "integer", cost = "const",
		help = "As a decision's cpu: the shared queue, which every CPU takes from." },
	{ "PREEMPT", type = "integer", cost = "const",
		help = "Flag of dispatch() and kick(): interrupt what runs on that CPU." },
	{ "IF_IDLE", type = "integer", cost = "const",
		help = "Flag of dispatch(): only if that CPU is still idle when the kernel applies the "
			.. "decision; else the task goes to the shared queue with the same vtime (idle_missed)." },
	{ "WAKEUP", type = "integer", cost = "const",
		help = "Bit of task.flags: it slept and was woken." },
	{ "NEW", type = "integer", cost = "const",
		help = "Bit of task.flags: the first time that this thread is seen." },
	{ "PREEMPTED", type = "integer", cost = "const",
		help = "Bit of task.flags: it lost its CPU with slice left." },
	{ "EXPIRED", type = "integer", cost = "const", help = "Bit of task.flags: it used its slice up." },
	{ "LAST", type = "integer", cost = "const",
		help = "Bit of task.flags: nothing else was runnable on its CPU." },
}

-- ---- C structs: private fields end in _ ----

api.task = {
	{ "pid", c = "int32_t", help = "thread id" },
	{ "tgid", c = "int32_t", help = "process id" },
	{ "ppid", c = "int32_t", help = "process id of the parent" },
	{ "nice", c = "int16_t", help = "-20..19" },
	{ "cgroup_weight", c = "uint16_t", help = "1..10000, 100 is the default: cpu.weight of the "
		.. "task's own cgroup with the cpu controller, not multiplied with its parents'" },
	{ "comm", c = "char[]", help = "thread name: ffi.string(task.comm), at most 15 bytes" },
	{ "cpu", c = "int32_t", help = "CPU it last ran on" },
	{ "nr_cpus_allowed", c = "int32_t", help = "how many CPUs its affinity has" },
	{ "cpumask_seq", c = "uint32_t", help = "changes when its CPU affinity does" },
	{ "weight", c = "uint32_t", help = "1..10000, from nice; 100 is nice 0" },
	{ "flags", c = "uint32_t", help = "why it is enqueued: WAKEUP, NEW, PREEMPTED, EXPIRED, LAST" },
	{ "payload", c = "uint32_t", rw = true, help = "the policy's own; shown in traces" },
	{ "enqueue_ns", c = "double", help = "when it became runnable" },
	{ "start_ns", c = "double", help = "when it last got a CPU; 0: never" },
	{ "stop_ns", c = "double", help = "when it last left a CPU; 0: never" },
	{ "exec_ns", c = "double", help = "CPU time since it last slept" },
	{ "sum_exec_ns", c = "double", help = "CPU time since it was created" },
	{ "nvcsw", c = "double", help = "voluntary context switches: how often it went to sleep" },
	{ "cgroup_id", c = "double", help = "its cgroup in the unified hierarchy" },
	{ "vtime", c = "double", help = "vtime of its last decision; 0: none yet" },
	{ "data", c = "double[]", rw = true, help = "data[0] to data[3] are the policy's own: 0 for a "
		.. "new thread, kept through a reload" },
}

api.cpu = {
	{ "online", c = "int32_t", help = "1: online" },
	{ "idle", c = "int32_t", help = "1: nothing but the worker is there" },
	{ "task_pid", c = "int32_t", help = "who runs on it; 0: idle, or another scheduling class" },
	{ "queued", c = "uint32_t", help = "tasks on this CPU's own queue in the kernel" },
	{ "since_ns", c = "uint64_t", help = "when that task got the CPU" },
	{ "slice_ns", c = "uint64_t", help = "the slice it got" },
	{ "core", c = "int32_t", help = "physical core, 0..host.nr_cores-1: CPUs of the same core are "
		.. "SMT siblings" },
	{ "sibling", c = "int32_t", help = "next CPU of the same core, in a ring; the CPU itself if "
		.. "there is no other" },
	{ "llc", c = "int32_t", help = "last-level cache, 0..host.nr_llcs-1" },
	{ "node", c = "int32_t", help = "NUMA node, 0..host.nr_nodes-1" },
	{ "capacity", c = "uint32_t", help = "1..1024, 1024 is the fastest CPU" },
}

-- ---- the table that a policy returns ----

api.policy = {
	{ "enqueue", cost = "hook", needed = true,
		help = "n tasks became runnable, in order of arrival. Decide now, or keep them in a queue.",
		args = {
			{ "tasks", "scx.task[]", "tasks[0] to tasks[n-1]; the array is only good until the hook "
				.. "returns, the tasks in it longer" },
			{ "n", "integer", "1..512" },
		} },
	{ "dispatch", cost = "hook",
		help = "CPUs could use tasks that are kept. Give up to `room` decisions.",
		args = { { "room", "integer", "two per online CPU, less what waits there already" } },
		ret = { "integer", "how many tasks the policy still keeps: while it is not 0 the runtime "
			.. "asks again" } },
	{ "init", cost = "hook",
		help = "Once, after the options have their values, before the scheduler is attached. May "
			.. "allocate. 2 s of CPU time with the top level of the script.",
		args = { { "host", "scx.host", "the machine and the limits" } } },
	{ "exit_task", cost = "hook",
		help = "The thread ended or left the scheduler. It is out of every queue of the library "
			.. "already.",
		args = { { "task", "scx.task", "valid until the hook returns" } } },
	{ "cpu_online", cost = "hook", help = "A CPU came.",
		args = { { "cpu", "integer", "its number" } } },
	{ "cpu_offline", cost = "hook", help = "A CPU went.",
		args = { { "cpu", "integer", "its number" } } },
	{ "tick", cost = "hook",
		help = "Every tick_ms, up to 5 ms later if no CPU is idle. A policy with tick has tick_ms.",
		args = { { "now_ns", "number", "the time" } } },
	{ "stats", cost = "hook",
		help = "Once a second while somebody looks (--stats or a reader of the statistics), and at "
			.. "the end. The numbers put into t are shown in the live line and as policy_stats in "
			.. "the JSON: at most 32, names of at most 31 bytes.",
		args = { { "t", "table<string, number>", "an empty table to fill" } } },
	{ "export", cost = "hook",
		help = "At a reload, in the old worker: what the new script's import() gets. Task data "
			.. "survives by itself. Needs import.",
		ret = { "table", "numbers, strings, booleans, and tables of these, at most 32 deep; more than "
			.. "256 KiB as text is not handed over" } },
	{ "import", cost = "hook",
		help = "At a reload, in the new worker, before it is offered the tasks that were held. "
			.. "Needs export.",
		args = { { "state", "table", "what export() returned, maybe that of another script" } } },
	{ "name", type = "string", cost = "const",
		help = "1..31 letters, digits, _ . -; default: the file's name." },
	{ "options", type = "table<string, scx.option>", cost = "const",
		help = "The options by name: { default, \"help with the unit\", least, greatest }. The "
			.. "default's type, number, boolean or string, is the option's." },
	{ "builtin_idle", type = "boolean", cost = "const",
		help = "true (default): a wakeup that finds an idle CPU, and nobody waiting, takes it "
			.. "without asking the policy. -o builtin_idle=false sets it for a run." },
	{ "tick_ms", type = "number", cost = "const", help = "1..60000, milliseconds between two ticks." },
}

-- The argument of init().
api.host = {
	{ "name", type = "string", cost = "read", help = "the policy's name" },
	{ "nr_cpus", type = "integer", cost = "read", help = "as scx.nr_cpus" },
	{ "cpus", type = "scx.cpu[]", cost = "read", help = "as scx.cpus" },
	{ "nr_cores", type = "integer", cost = "read", help = "number of physical cores" },
	{ "nr_llcs", type = "integer", cost = "read", help = "number of last-level caches" },
	{ "nr_nodes", type = "integer", cost = "read", help = "highest NUMA node, plus 1" },
	{ "max_tasks", type = "integer", cost = "read",
		help = "threads that the policy can know at once (--max-tasks)" },
	{ "options", type = "table<string, any>", cost = "read", help = "as scx.opt" },
}

-- ---- objects: how a probe makes one, methods and fields ----

local push_result = { "boolean", "true; false if the queue is full or the task waits in another "
	.. "queue" }
local first_or_nil = { "scx.task?", "the first task; nil if there is none" }
local task_arg = { "task", "scx.task", "the task" }
local number_arg = { "i", "integer", "0..n-1" }
local cpu_arg = { "cpu", "integer", "0..nr_cpus-1" }

api.objects = {
	{ "heap", make = "scx.heap(8)", help = "A priority queue of tasks, lowest key first, first in "
		.. "first out among equal keys. A task is in one queue at most. The runtime takes a thread "
		.. "that ends out of its queue before exit_task() is called.",
		{ "push", cost = "queue", help = "Puts a task in; one that is in this heap already moves to "
			.. "its new key.",
			args = { task_arg, { "key", "number", "its place, lowest first; NaN counts as 0" } },
			ret = push_result },
		{ "pop", cost = "queue", help = "Takes the first task out.", ret = first_or_nil },
		{ "peek", cost = "call", help = "The first task, left where it is.", ret = first_or_nil },
		{ "key", cost = "call", help = "The key of the first task.",
			ret = { "number", "the key; 0 if the heap is empty" } },
		{ "remove", cost = "queue", help = "Takes a task out.", args = { task_arg },
			ret = { "boolean", "true; false if it is not in this queue" } },
		{ "len", cost = "call", help = "The number of tasks.", ret = { "integer", "tasks" } },
	},
	{ "fifo", make = "scx.fifo(8)", help = "A first-in, first-out queue of tasks.",
		{ "push", cost = "call", help = "Puts a task at the end; one that is in this queue already "
			.. "keeps its place.", args = { task_arg }, ret = push_result },
		{ "pop", cost = "call", help = "Takes the first task out.", ret = first_or_nil },
		{ "peek", cost = "call", help = "The first task, left where it is.", ret = first_or_nil },
		{ "remove", cost = "call", help = "Takes a task out.", args = { task_arg },
			ret = { "boolean", "true; false if it is not in this queue" } },
		{ "len", cost = "call", help = "The number of tasks.", ret = { "integer", "tasks" } },
	},
	{ "percpu", make = 'scx.percpu("fifo", 8)', help = "A queue of tasks for each CPU.",
		{ "push", cost = "queue", help = "Puts a task into the queue of a CPU.",
			args = { cpu_arg, task_arg,
				{ "key?", "number", "its place, lowest first, if the queues are heaps" } },
			ret = push_result },
		{ "pop", cost = "queue", help = "Takes the first task out of the queue of a CPU.",
			args = { cpu_arg }, ret = first_or_nil },
		{ "peek", cost = "call", help = "The first task of the queue of a CPU, left where it is.",
			args = { cpu_arg }, ret = first_or_nil },
		{ "len", cost = "call", help = "The number of tasks in the queue of a CPU.",
			args = { cpu_arg }, ret = { "integer", "tasks" } },
		{ "total", cost = "plain", help = "The number of tasks in all queues.",
			ret = { "integer", "tasks" } },
		{ "longest", cost = "plain", help = "The CPU whose queue is the longest.",
			ret = { "integer?", "the CPU; nil if all queues are empty" } },
		{ "remove", cost = "queue", help = "Takes a task out of whichever queue it is in.",
			args = { task_arg }, ret = { "boolean", "true; false if it is in none of them" } },
	},
	{ "ring", make = "scx.ring(8)", help = "A round-robin ring of the numbers 0..n-1.",
		{ "add", cost = "plain", help = "Puts a number in, last in turn.", args = { number_arg },
			ret = { "boolean", "false if it was in already" } },
		{ "remove", cost = "plain", help = "Takes a number out.", args = { number_arg },
			ret = { "boolean", "false if it was not in" } },
		{ "has", cost = "plain", help = "Is the number in?", args = { number_arg },
			ret = { "boolean", "true if it is in" } },
		{ "next", cost = "plain", help = "The number whose turn it is; then it is the next one's.",
			ret = { "integer?", "the number; nil if the ring is empty" } },
		{ "peek", cost = "plain", help = "The number whose turn it is.",
			ret = { "integer?", "the number; nil if the ring is empty" } },
		{ "len", cost = "plain", help = "How many numbers are in.", ret = { "integer", "numbers" } },
	},
	{ "vclock", make = "scx.vclock()", help = "Weighted virtual time, in nanoseconds of a weight-100 "
		.. "task. Uses data[0] (the task's virtual time) and data[1] (CPU time charged so far).",
		{ "now", type = "number", cost = "read", help = "The virtual time from which a task ran last." },
		{ "charge", cost = "plain", help = "Charges a task for the CPU time that it has used since "
			.. "the last call, scaled by 100 / weight. At most once per enqueue.",
			args = { task_arg, { "weight", "number", "1 and up, 100 is normal: task.weight" },
				{ "credit_ns", "number", "how far behind the clock a task that slept may be, "
					.. "nanoseconds: usually a slice" } },
			ret = { "number", "the task's virtual time, for a vtime or key: at most "
				.. "max(credit_ns, 1e7) * 100 / weight ahead of the clock" } },
		{ "resume", cost = "plain", help = "Sets the clock to a virtual time, later or earlier: for "
			.. "import().",
			args = { { "v", "any", "what clock.now was; anything but a number above 0 is ignored" } } },
	},
	{ "running", make = "scx.running()", help = "How urgent the threads are that have a CPU now. A "
		.. "rank is a number, the lower the more urgent: a nice value, a level, a deadline. Ranks are "
		.. "kept by pid; of threads whose pids differ by a multiple of 4096 only the last one is known.",
		{ "set", cost = "call", help = "Notes a task's rank, for when it runs: at every decision.",
			args = { task_arg, { "rank", "number", "any; NaN is ignored" } } },
		{ "victim", cost = "call", help = "Whom to interrupt for a task that was woken: looks at 32 CPUs "
			.. "at most, from the task's last one on. A CPU serves one task so, until it has run another.",
			args = { task_arg, { "rank", "number", "of that task" } },
			ret = { "integer?", "the CPU with the highest rank above it, for a decision with PREEMPT; nil "
				.. "if there is none, or a CPU is idle or about to be" } },
	},
	{ "names", make = "scx.names()", help = "Values by thread name.",
		{ "add", cost = "cold", help = "Adds a name, or replaces an equal one.",
			args = {
				{ "name", "string", "of a thread; 15 bytes of it count" },
				{ "value", "any", "anything but nil and false" },
			} },
		{ "get", cost = "plain", help = "Looks a task's name up, as of its last enqueue.",
			args = { task_arg }, ret = { "any", "the value that was added with the name, or nil" } },
	},
	{ "random", make = "scx.random(1)", help = "Pseudo-random numbers from a seed.",
		{ "state", type = "number", rw = true, cost = "read",
			help = "Where the sequence is: a number that export() can hand over." },
		{ "uniform", cost = "plain", help = "Draws a number.",
			ret = { "number", "0 <= x < 1" } },
		{ "below", cost = "plain", help = "Draws a whole number.",
			args = { { "n", "integer", "how many there are to draw from, 1..2^32" } },
			ret = { "integer", "0..n-1, each as likely as any other" } },
	},
}

-- ---- Lua itself, as far as a policy has it ----

api.modules = { "scx", "ffi", "bit", "math", "string", "table", "coroutine" }

api.globals = {
	"_G", "_VERSION", "assert", "bit", "coroutine", "error", "getmetatable", "ipairs", "load",
	"loadstring", "math", "next", "pairs", "pcall", "rawequal", "rawget", "rawset", "require",
	"select", "setmetatable", "string", "table", "tonumber", "tostring", "type", "unpack", "xpcall",
}

return api
