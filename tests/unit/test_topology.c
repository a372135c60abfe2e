// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_topology.c - made-up sysfs trees in a temporary directory, right and wrong ones; random
 * machines against the model that wrote their files; random rubbish against what must always hold.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "topology.h"

enum { MAX_CPUS = 16 };

static char root[64];
static struct topology_cpu cpu[MAX_CPUS];
static struct topology_counts counts;

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(path);
}

static int remove_tree(void **state)
{
	(void)state;
	return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int make_tree(void **state)
{
	(void)state;
	memset(cpu, 0xff, sizeof(cpu));
	memset(&counts, 0xff, sizeof(counts));
	strcpy(root, "/tmp/test_topology.XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

/* Makes the directories of a path below root; its last part too if it ends in a slash. */
static void make_directories(char *path)
{
	for (char *s = path + strlen(root) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		assert_true(!mkdir(path, 0700) || errno == EEXIST);
		*s = '/';
	}
}

/* Writes a file below .../cpu/cpuN, or makes a directory there if the name ends in a slash. */
static void put_bytes(uint32_t i, const char *name, const char *text, size_t len)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/devices/system/cpu/cpu%u/%s", root, i, name);
	make_directories(path);
	if (path[strlen(path) - 1] == '/')
		return;
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static void put(uint32_t i, const char *name, const char *text)
{
	put_bytes(i, name, text, strlen(text));
}

static void put_cache(uint32_t i, uint32_t index, const char *level, const char *type,
		      const char *cpus)
{
	const char *const part[][2] = { { "level", level },
					{ "type", type },
					{ "shared_cpu_list", cpus } };

	for (unsigned int p = 0; p < 3; p++) {
		char name[64];

		snprintf(name, sizeof(name), "cache/index%u/%s", index, part[p][0]);
		if (part[p][1])
			put(i, name, part[p][1]);
	}
}

static void read_tree(uint32_t nr_cpus)
{
	assert_int_equal(topology_read(root, cpu, nr_cpus, &counts), 0);
}

static void check_cpu(uint32_t i, int32_t core, int32_t sibling, int32_t llc, int32_t node,
		      uint32_t capacity)
{
	assert_int_equal(cpu[i].core, core);
	assert_int_equal(cpu[i].sibling, sibling);
	assert_int_equal(cpu[i].llc, llc);
	assert_int_equal(cpu[i].node, node);
	assert_int_equal(cpu[i].capacity, capacity);
}

static void check_counts(uint32_t nr_cores, uint32_t nr_llcs, uint32_t nr_nodes)
{
	assert_int_equal(counts.nr_cores, nr_cores);
	assert_int_equal(counts.nr_llcs, nr_llcs);
	assert_int_equal(counts.nr_nodes, nr_nodes);
}

static void nothing_there_gives_the_defaults(void **state)
{
	(void)state;
	read_tree(3);
	for (int32_t i = 0; i < 3; i++)
		check_cpu((uint32_t)i, i, i, 0, 0, 1024);
	check_counts(3, 1, 1);
	assert_int_equal(cpu[3].core, -1); /* not ours to write */
	put(0, "", "");
	read_tree(2);
	check_cpu(0, 0, 0, 0, 0, 1024);
	check_counts(2, 1, 1);
	read_tree(0);
	check_counts(0, 0, 0);
}

static void a_directory_that_cannot_be_opened_is_reported(void **state)
{
	char longest[PATH_MAX + 1];

	(void)state;
	memset(longest, 'x', PATH_MAX);
	longest[PATH_MAX] = '\0';
	assert_int_equal(topology_read(longest, cpu, 2, &counts), -ENAMETOOLONG);
	check_cpu(1, 1, 1, 0, 0, 1024);
	check_counts(2, 1, 1);
	assert_int_equal(topology_read("/nonexistent", cpu, 2, &counts), 0);
	assert_int_equal(topology_read("/dev/null", cpu, 2, &counts), 0);
}

/* Two packages of two cores of two threads, numbered as x86 does: threads of a core 4 apart. */
static void threads_cores_and_packages(void **state)
{
	static const char *const core[] = { "0,4", "1,5", "2,6", "3,7" };

	(void)state;
	for (uint32_t i = 0; i < 8; i++) {
		const char *package = i % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n";

		put(i, "topology/core_cpus_list", core[i % 4]);
		put(i, i % 4 < 2 ? "node0/" : "node2/", "");
		put_cache(i, 0, "1\n", "Data\n", core[i % 4]);
		put_cache(i, 1, "1\n", "Instruction\n", core[i % 4]);
		put_cache(i, 2, "2\n", "Unified\n", core[i % 4]);
		put_cache(i, 3, "3\n", "Unified\n", package);
	}
	read_tree(8);
	for (int32_t i = 0; i < 8; i++)
		check_cpu((uint32_t)i, i % 4, (i + 4) % 8, i % 4 / 2, i % 4 / 2 * 2, 1024);
	check_counts(4, 2, 3);
	read_tree(5); /* CPUs that are not asked for do not appear in the rings */
	check_cpu(0, 0, 4, 0, 0, 1024);
	check_cpu(1, 1, 1, 0, 0, 1024);
	check_cpu(4, 0, 0, 0, 0, 1024);
	check_counts(4, 2, 3);
}

static void rings_are_in_ascending_order(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		put(i, "topology/core_cpus_list", i % 2 ? "1,3,5,7" : "0,2,4,6");
	read_tree(8);
	for (int32_t i = 0; i < 8; i++)
		check_cpu((uint32_t)i, i % 2, (i + 2) % 8, 0, 0, 1024);
	check_counts(2, 1, 1);
}

static void old_name_of_the_siblings(void **state)
{
	(void)state;
	put(0, "topology/thread_siblings_list", "0-1\n");
	put(1, "topology/core_cpus_list", "rubbish\n");
	put(1, "topology/thread_siblings_list", "0-1\n");
	put(2, "topology/core_cpus_list", "2\n");
	put(2, "topology/thread_siblings_list", "0-3\n");
	read_tree(3);
	check_cpu(0, 0, 1, 0, 0, 1024);
	check_cpu(1, 0, 0, 0, 0, 1024);
	check_cpu(2, 1, 2, 0, 0, 1024);
}

static void last_cache_is_the_highest_level(void **state)
{
	(void)state;
	put_cache(0, 0, "3", "Unified", "0");
	put_cache(0, 1, "2", "Unified", "0-3");
	for (uint32_t i = 1; i < 4; i++)
		put_cache(i, i, "2", "Unified", "1-3"); /* wherever in index* */
	put_cache(1, 9, "4", "Instruction", "0-3");
	put_cache(2, 9, "4", "Unified", NULL);
	put_cache(3, 9, NULL, "Unified", "0-3");
	put_cache(3, 8, "4", NULL, "0-3");
	read_tree(4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(cpu[i].llc, i > 0);
	assert_int_equal(counts.nr_llcs, 2);
	put_cache(3, 5, "2", "Unified", "0-3"); /* a second one of that level does not count */
	read_tree(4);
	assert_int_equal(cpu[3].llc, 1);
}

static void a_cache_that_only_one_of_its_cpus_knows(void **state)
{
	(void)state;
	put_cache(1, 0, "3", "Unified", "0-1");
	put_cache(2, 0, "3", "Unified", "2");
	read_tree(3);
	assert_int_equal(cpu[0].llc, 0);
	assert_int_equal(cpu[1].llc, 0);
	assert_int_equal(cpu[2].llc, 1);
	assert_int_equal(counts.nr_llcs, 2);
}

static void unknown_cache_is_number_0(void **state)
{
	(void)state;
	put_cache(1, 0, "2", "Unified", "1");
	put_cache(3, 0, "2", "Unified", "3");
	read_tree(4);
	check_cpu(0, 0, 0, 0, 0, 1024);
	check_cpu(1, 1, 1, 0, 0, 1024);
	check_cpu(2, 2, 2, 0, 0, 1024);
	check_cpu(3, 3, 3, 1, 0, 1024);
	check_counts(4, 2, 1);
}

static void capacities(void **state)
{
	(void)state;
	put(0, "cpu_capacity", "446\n");
	put(0, "cpufreq/cpuinfo_max_freq", "9000000\n");
	put(1, "cpu_capacity", "1024\n");
	put(2, "cpufreq/cpuinfo_max_freq", "4000000\n");
	put(3, "cpufreq/cpuinfo_max_freq", "3000000\n");
	put(4, "cpufreq/cpuinfo_max_freq", "2000\n");
	put(5, "cpu_capacity", "0\n");
	put(5, "cpufreq/cpuinfo_max_freq", "2000000\n");
	read_tree(7);
	assert_int_equal(cpu[0].capacity, 446);
	assert_int_equal(cpu[1].capacity, 1024);
	assert_int_equal(cpu[2].capacity, 1024);
	assert_int_equal(cpu[3].capacity, 768);
	assert_int_equal(cpu[4].capacity, 1);
	assert_int_equal(cpu[5].capacity, 512);
	assert_int_equal(cpu[6].capacity, 1024);
}

static void impossible_capacities(void **state)
{
	static const char *const text[] = { "",
					    "0",
					    "-5",
					    "1025",
					    "1e3",
					    " 512",
					    "512 ",
					    "0x200",
					    "512\n\n",
					    "4294967808",
					    "99999999999999999999" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		put(0, "cpu_capacity", text[i]);
		put(0, "cpufreq/cpuinfo_max_freq", i % 2 ? "1000" : "1000000000");
		put(1, "cpufreq/cpuinfo_max_freq", "5000000");
		read_tree(2);
		assert_int_equal(cpu[0].capacity, 1024);
		assert_int_equal(cpu[1].capacity, 1024);
	}
}

static void nodes(void **state)
{
	(void)state;
	put(0, "node1/", "");
	put(1, "nodeX/", "");
	put(1, "node/", "");
	put(1, "node3x/", "");
	put(1, "node1024/", "");
	put(1, "node99999999999/", "");
	put(2, "node7/", "");
	put(2, "node5/", "");
	put(3, "node1023/", "");
	read_tree(4);
	assert_int_equal(cpu[0].node, 1);
	assert_int_equal(cpu[1].node, 0);
	assert_int_equal(cpu[2].node, 5);
	assert_int_equal(cpu[3].node, 1023);
	assert_int_equal(counts.nr_nodes, 1024);
}

static void offline_cpus_have_the_defaults(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		put(i, "topology/core_cpus_list", i == 3 ? "3" : "0-2");
		put(i, "node1/", "");
		put(i, "cpu_capacity", "512");
		put_cache(i, 0, "3", "Unified", i == 3 ? "3" : "0-2");
		if (i > 0)
			put(i, "online", i == 1 ? "0\n" : "1\n");
	}
	put(1, "cpufreq/cpuinfo_max_freq", "9000000");
	read_tree(4);
	check_cpu(0, 0, 2, 0, 1, 512);
	check_cpu(1, 1, 1, 0, 0, 1024);
	check_cpu(2, 0, 0, 0, 1, 512);
	check_cpu(3, 2, 3, 1, 1, 512);
	check_counts(3, 2, 2);
}

static void malformed_lists_are_no_lists(void **state)
{
	static const char *const text[] = { "",
					    "\n",
					    "x",
					    "0-",
					    "-1",
					    "0,",
					    ",0-1",
					    "0,,1",
					    "1-0",
					    "0-1,3-2",
					    "0 1",
					    "0-1-2",
					    "0-1 \n",
					    "0x0-1",
					    "0;1",
					    "2-3",
					    "0,2-9",
					    "0-1\n\n",
					    "0-1,4294967296",
					    "00000000000-1" };

	(void)state;
	for (unsigned int i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		put(1, "topology/core_cpus_list", text[i]);
		put_cache(0, 0, "3", "Unified", "0");
		put_cache(1, 0, "3", "Unified", text[i]);
		put_cache(1, 1, "2", "Unified", "1");
		read_tree(2);
		check_cpu(0, 0, 0, 0, 0, 1024);
		check_cpu(1, 1, 1, 1, 0, 1024);
	}
	put_bytes(1, "topology/core_cpus_list", "0-1\0", 5);
	read_tree(2);
	check_cpu(1, 1, 1, 1, 0, 1024);
	put(1, "topology/core_cpus_list", "0-1"); /* what the others are compared with */
	put_cache(1, 0, "3", "Unified", "0-1\n");
	read_tree(2);
	check_cpu(1, 0, 0, 0, 0, 1024);
}

static void a_long_list_is_read_and_an_endless_one_not(void **state)
{
	size_t len = 0, bytes = 40000;
	char *text = malloc(bytes);

	(void)state;
	assert_non_null(text);
	for (uint32_t i = 0; i < 8192; i += 2)
		len += (size_t)snprintf(text + len, bytes - len, i ? ",%u" : "%u", i);
	put_bytes(8, "topology/core_cpus_list", text, len);
	read_tree(10);
	assert_int_equal(cpu[8].core, 0);
	assert_int_equal(cpu[0].sibling, 8);
	for (len = 0; len + 2 < bytes; len += 2)
		memcpy(text + len, len ? ",8" : "00",
		       2); /* wherever it is cut, a list with 0 and 8 */
	put_bytes(8, "topology/core_cpus_list", text, len);
	read_tree(10);
	assert_int_equal(cpu[8].core, 8);
	free(text);
}

/* What a policy may rely on, whatever sysfs says. */
static void check_always(uint32_t nr_cpus)
{
	int32_t cores = 0, llcs = 0, highest = 0;

	for (uint32_t i = 0; i < nr_cpus; i++) {
		const struct topology_cpu *c = &cpu[i];
		uint32_t nr = 1, same = 0;

		for (uint32_t s = (uint32_t)c->sibling; s != i;
		     s = (uint32_t)cpu[s].sibling, nr++) {
			assert_true(s < nr_cpus && nr <= nr_cpus);
			assert_int_equal(cpu[s].core, c->core);
		}
		for (uint32_t other = 0; other < nr_cpus; other++)
			same += cpu[other].core == c->core;
		assert_int_equal(nr, same);
		assert_true(c->core >= 0 && c->core <= cores);
		cores += c->core == cores;
		assert_true(c->llc >= 0);
		llcs = c->llc > llcs ? c->llc : llcs;
		assert_true(c->node >= 0 && c->node < TOPOLOGY_MAX_NODES);
		highest = c->node > highest ? c->node : highest;
		assert_true(c->capacity >= 1 && c->capacity <= 1024);
	}
	check_counts((uint32_t)cores, (uint32_t)llcs + 1, (uint32_t)highest + 1);
	for (int32_t llc = 0; llc <= llcs; llc++) {
		uint32_t i = 0;

		while (i < nr_cpus && cpu[i].llc != llc)
			i++;
		assert_true(i < nr_cpus);
	}
}

/* Lists of CPUs that need not fit together, and some that are none. */
static const char *random_list(uint64_t *seed)
{
	static const char alphabet[] = "0123456789--,,,\n x";
	static char text[32];
	uint32_t len = 0;

	if (unit_below(seed, 4) == 0) {
		len = unit_below(seed, 8);
		for (uint32_t i = 0; i < len; i++)
			text[i] = alphabet[unit_below(seed, sizeof(alphabet) - 1)];
		text[len] = '\0';
	} else {
		snprintf(text, sizeof(text), "%u-%u,%u\n", unit_below(seed, 6), unit_below(seed, 9),
			 unit_below(seed, 12));
	}
	return text;
}

static void rubbish_gives_a_consistent_machine(void **state)
{
	uint64_t seed = 1;

	for (int round = 0; round < 100; round++) {
		uint32_t nr_cpus = 1 + unit_below(&seed, 9);

		for (uint32_t i = 0; i < nr_cpus; i++) {
			put(i, "topology/core_cpus_list", random_list(&seed));
			put(i, "cpu_capacity", random_list(&seed));
			put(i, "cpufreq/cpuinfo_max_freq", random_list(&seed));
			put(i, "online", unit_below(&seed, 5) ? "1" : random_list(&seed));
			put_cache(i, unit_below(&seed, 4), unit_below(&seed, 2) ? "2" : "3",
				  "Unified", random_list(&seed));
		}
		read_tree(nr_cpus);
		check_always(nr_cpus);
		if (round % 10 == 9)
			assert_false(remove_tree(state) || make_tree(state));
	}
}

/* The CPUs i with group[i] == group[self] as a list. */
static void put_group(uint32_t self, const char *name, const uint32_t *group, uint32_t nr_cpus)
{
	char text[128] = "";
	size_t len = 0;

	for (uint32_t i = 0; i < nr_cpus; i++)
		if (group[i] == group[self])
			len += (size_t)snprintf(text + len, sizeof(text) - len, len ? ",%u" : "%u",
						i);
	put(self, name, strcat(text, "\n"));
}

/* The number of CPU i's group if groups are numbered in the order of their lowest CPU. */
static int32_t dense(const uint32_t *group, uint32_t i)
{
	int32_t nr = 0;
	uint32_t first = 0;

	while (group[first] != group[i])
		first++;
	for (uint32_t c = 0; c < first; c++) {
		uint32_t before = 0;

		while (group[before] != group[c])
			before++;
		nr += before == c;
	}
	return nr;
}

static void random_machines_are_read_as_they_are(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (int round = 0; round < 60; round++) {
		uint32_t core[MAX_CPUS], llc[MAX_CPUS];
		uint32_t nr_cpus = 1 + unit_below(&seed, MAX_CPUS);

		for (uint32_t i = 0; i < nr_cpus; i++) {
			core[i] = unit_below(&seed, 1 + nr_cpus / 2);
			llc[i] = core[i] % 3;
		}
		for (uint32_t i = 0; i < nr_cpus; i++) {
			put_group(i, "topology/core_cpus_list", core, nr_cpus);
			put_cache(i, 0, "3", "Unified", NULL);
			put_group(i, "cache/index0/shared_cpu_list", llc, nr_cpus);
		}
		read_tree(nr_cpus);
		check_always(nr_cpus);
		for (uint32_t i = 0; i < nr_cpus; i++) {
			assert_int_equal(cpu[i].core, dense(core, i));
			assert_int_equal(cpu[i].llc, dense(llc, i));
		}
	}
}

static uint32_t nr_open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint32_t nr = 0;

	assert_non_null(dir);
	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}

static void this_machine_can_be_read_and_no_file_stays_open(void **state)
{
	uint32_t before = nr_open_files();

	(void)state;
	assert_int_equal(topology_read("/sys", cpu, MAX_CPUS, &counts), 0);
	check_always(MAX_CPUS);
	put(0, "node1/", "");
	put(0, "topology/core_cpus_list/", ""); /* a directory in place of a file */
	read_tree(2);
	check_cpu(0, 0, 0, 0, 1, 1024);
	assert_int_equal(nr_open_files(), before);
}

#define TREE(name) cmocka_unit_test_setup_teardown(name, make_tree, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE(nothing_there_gives_the_defaults),
		TREE(a_directory_that_cannot_be_opened_is_reported),
		TREE(threads_cores_and_packages),
		TREE(rings_are_in_ascending_order),
		TREE(old_name_of_the_siblings),
		TREE(last_cache_is_the_highest_level),
		TREE(a_cache_that_only_one_of_its_cpus_knows),
		TREE(unknown_cache_is_number_0),
		TREE(capacities),
		TREE(impossible_capacities),
		TREE(nodes),
		TREE(offline_cpus_have_the_defaults),
		TREE(malformed_lists_are_no_lists),
		TREE(a_long_list_is_read_and_an_endless_one_not),
		TREE(rubbish_gives_a_consistent_machine),
		TREE(random_machines_are_read_as_they_are),
		TREE(this_machine_can_be_read_and_no_file_stays_open),
	};

	return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
