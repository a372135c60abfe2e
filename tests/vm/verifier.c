// SPDX-License-Identifier: GPL-2.0-only
/*
 * verifier.c - what the kernel's verifier makes of each BPF program: its length and how many
 * instructions were walked to prove it safe (the limit is a million).
 *
 *   verifier scxlua.bpf.o      a line per program: NAME INSTRUCTIONS WALKED
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

static int print_program(const struct bpf_program *prog)
{
	struct bpf_prog_info info;
	__u32 len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &len))
		return -1;
	printf("%s %u %u\n", bpf_program__name(prog), info.xlated_prog_len / 8,
	       info.verified_insns);
	return 0;
}

int main(int argc, char **argv)
{
	struct bpf_object *obj = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *prog;

	if (!obj) {
		fprintf(stderr, "usage: verifier scxlua.bpf.o\n");
		return 2;
	}
	if (bpf_object__load(obj)) {
		fprintf(stderr, "verifier: the kernel refused the object\n");
		return 1;
	}
	bpf_object__for_each_program(prog, obj) if (print_program(prog))
	{
		perror("verifier: bpf_prog_get_info_by_fd");
		return 1;
	}
	return 0;
}
