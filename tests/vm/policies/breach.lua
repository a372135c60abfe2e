-- fifo for a second, then (or in init()) a system call that a policy may not make, through FFI.
local scx = require "scx"
local ffi = require "ffi"
local dispatch = scx.dispatch

-- The suite writes these.
local which, at_init, supervisor = "open", false, 1

ffi.cdef [[
int open(const char *path, int flags, ...);
int socket(int domain, int type, int protocol);
int connect(int fd, const void *address, unsigned int len);
int fork(void);
long ptrace(int request, int pid, void *address, void *data);
int kill(int pid, int signal);
int setuid(unsigned int uid);
int capset(void *header, const void *data);
int mprotect(void *address, size_t len, int prot);
int bpf_map_get_fd_by_id(unsigned int id);
int bpf_map_update_elem(int fd, const void *key, const void *value, uint64_t flags);
]]

local zeros = ffi.new("uint64_t[32]")

local breach = {
	open = function() return ffi.C.open("/etc/shadow", 0) end,
	connect = function() return ffi.C.connect(ffi.C.socket(2, 1, 0), zeros, 16) end,
	fork = function() return ffi.C.fork() end,
	ptrace = function() return tonumber(ffi.C.ptrace(16, supervisor, nil, nil)) end,
	kill = function() return ffi.C.kill(supervisor, 15) end,
	bpf = function()
		return ffi.C.bpf_map_update_elem(ffi.C.bpf_map_get_fd_by_id(1), zeros, zeros, 0)
	end,
	setuid = function() return ffi.C.setuid(0) end,
	capset = function() return ffi.C.capset(zeros, zeros) end,
	-- No call that is refused, but memory of BPF's that cannot be made writable.
	cpus = function()
		local page = ffi.cast("char *", ffi.cast("uintptr_t", scx.cpus))
		scx.log("mprotect gave %d", ffi.C.mprotect(page, 4096, 3))
		page[0] = 0
		return 0
	end,
}

local begin = 0 -- of its work: what comes before is the warm-up

local function try()
	begin = math.huge
	scx.log("%s was done: %d", which, breach[which]())
end

return {
	name = "breach",
	init = function()
		if at_init then try() end
	end,
	enqueue = function(tasks, n)
		if begin == 0 and ffi.string(tasks[0].comm, 6) ~= "synth-" then
			begin = scx.now()
		end
		if begin > 0 and scx.now() - begin > 1e9 then try() end
		for i = 0, n - 1 do
			dispatch(tasks[i])
		end
	end,
}
