// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_server.c - the line server and its clients: what it serves, whom it makes wait, whom it
 * drops and when.
 */
#define _GNU_SOURCE
#include "server_rig.h"

static void answers_lines(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	say(fd, "one\ntwo\nthr");
	run();
	assert_string_equal(hear(fd), "[one]\n[two]\n");
	say(fd, "ee\n\n");
	run();
	assert_string_equal(hear(fd), "[three]\n[]\n");
	close(fd);
	run();
	assert_int_equal(rig.nr_gone, 1);
	assert_int_equal(server_dropped(rig.server), 0);
}

static void the_last_line_needs_no_newline(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	say(fd, "a\nb");
	shutdown(fd, SHUT_WR);
	run();
	assert_string_equal(hear(fd), "[a]\n[b]\n");
	assert_string_equal(hear(fd), "EOF");
	close(fd);
}

static void lines_may_have_nuls(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	assert_int_equal(send(fd, "a\0b\n", 4, 0), 4);
	run();
	assert_int_equal(rig.len, 3);
	assert_memory_equal(rig.line, "a\0b", 4);
	close(fd);
}

static void a_line_has_4096_bytes(void **state)
{
	static char text[SERVER_LINE_MAX + 2];
	int fd = dial(rig.path);

	(void)state;
	memset(text, 'a', SERVER_LINE_MAX);
	text[SERVER_LINE_MAX] = '\n';
	say(fd, text);
	run();
	assert_int_equal(rig.len, SERVER_LINE_MAX);
	assert_int_equal(strlen(hear(fd)), SERVER_LINE_MAX + 3);
	text[SERVER_LINE_MAX] = 'a';
	say(fd, text);
	run();
	assert_int_equal(rig.nr_lines, 1);
	assert_string_equal(hear(fd), "too long\n");
	assert_string_equal(hear(fd), "EOF");
	assert_int_equal(server_dropped(rig.server), 1);
	close(fd);
}

static void a_megabyte_is_not_kept(void **state)
{
	static char text[65537];
	int fd = dial(rig.path), other = dial(rig.path);
	size_t sent = 0, n;

	(void)state;
	memset(text, 'a', 65536);
	while (sent < 1 << 20 && (n = say(fd, text))) {
		sent += n;
		run();
	}
	/* It took what one line may have, and what the socket's buffer holds. */
	assert_true(sent < 1 << 20);
	assert_string_equal(hear(fd), "too long\n");
	say(other, "x\n");
	run();
	assert_string_equal(hear(other), "[x]\n");
	close(fd);
	close(other);
}

static void who_does_not_read_is_dropped(void **state)
{
	int slow = dial(rig.path), other = dial(rig.path);

	(void)state;
	say(slow, "big\n");
	run();
	for (int i = 0; i < 5; i++) {
		tick(SECOND);
		say(other, "x\n");
		run();
		assert_string_equal(hear(other), "[x]\n");
		assert_int_equal(rig.nr_gone, 0);
	}
	tick(1);
	assert_int_equal(rig.nr_gone, 1);
	assert_int_equal(server_dropped(rig.server), 1);
	assert_true(strlen(hear(slow)) < BIG);
	assert_string_equal(hear(slow), "EOF");
	close(slow);
	close(other);
}

static void who_reads_slowly_but_does_is_served(void **state)
{
	int fd = dial(rig.path);
	size_t got = 0;

	(void)state;
	say(fd, "big\n");
	run();
	for (int i = 0; i < 10 && got < BIG + 1; i++) {
		got += strlen(hear(fd));
		tick(SECOND / 10);
	}
	assert_int_equal(got, BIG + 1);
	assert_int_equal(server_dropped(rig.server), 0);
	close(fd);
}

/* Its requests are not read before it has read the answers to those before them. */
static void who_does_not_read_is_not_read_from(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	say(fd, "big\nbig\nbig\n");
	run();
	assert_int_equal(rig.nr_lines, 1);
	while (strlen(hear(fd)))
		run();
	assert_int_equal(rig.nr_lines, 3);
	close(fd);
}

static void who_does_not_end_a_line_is_dropped(void **state)
{
	int silent = dial(rig.path), partial = dial(rig.path), idle = dial(rig.path);

	(void)state;
	say(partial, "part");
	say(idle, "x\n");
	run();
	tick(3 * SECOND);
	say(partial, "ial"); /* progress is not enough */
	run();
	tick(2 * SECOND);
	assert_int_equal(rig.nr_gone, 0);
	tick(1);
	assert_int_equal(rig.nr_gone, 2);
	assert_string_equal(hear(silent), "EOF");
	assert_string_equal(hear(partial), "EOF");
	tick(3600 * SECOND); /* one that has asked may stay ... */
	assert_string_equal(hear(idle), "[x]\n");
	say(idle, "y\nbegun");
	run();
	assert_string_equal(hear(idle), "[y]\n");
	tick(5 * SECOND + 1); /* ... but not begin a line and leave it */
	assert_string_equal(hear(idle), "EOF");
	close(silent);
	close(partial);
	close(idle);
}

static void a_thousand_connections(void **state)
{
	static int fd[1000];
	int served = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		while ((fd[i] = dial(rig.path)) < 0) { /* the backlog is full */
			assert_int_equal(errno, EAGAIN);
			run();
			tick(SECOND / 50);
		}
		say(fd[i], "x\n");
	}
	for (int i = 0; i < 100; i++)
		tick(SECOND / 50);
	for (int i = 0; i < 1000; i++) {
		const char *text = hear(fd[i]);

		served += !strcmp(text, "[x]\n");
		refused += !strcmp(text, "too many\n");
		close(fd[i]);
	}
	assert_int_equal(served, SERVER_PEERS);
	assert_int_equal(refused, 1000 - SERVER_PEERS);
	assert_int_equal(server_dropped(rig.server), refused);
	run();
	assert_int_equal(rig.nr_gone, SERVER_PEERS);
}

static void the_idle_one_makes_way(void **state)
{
	int fd[SERVER_PEERS], late;

	(void)state;
	for (int i = 0; i < SERVER_PEERS; i++) {
		fd[i] = dial(rig.path);
		say(fd[i], "x\n");
		run();
		tick(SECOND / 50);
		assert_string_equal(hear(fd[i]), "[x]\n");
	}
	tick(6 * SECOND);
	say(fd[0], "again\n"); /* so the second is idle the longest */
	run();
	late = dial(rig.path);
	say(late, "late\n");
	run();
	assert_string_equal(hear(late), "[late]\n");
	assert_string_equal(hear(fd[0]), "[again]\n");
	assert_string_equal(hear(fd[1]), "EOF");
	for (int i = 2; i < SERVER_PEERS; i++)
		assert_string_equal(hear(fd[i]), "");
	for (int i = 0; i < SERVER_PEERS; i++)
		close(fd[i]);
	close(late);
}

static void requests_are_bounded(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	run();
	tick(1);
	for (int i = 0; i < 2 * SERVER_REQUESTS; i++)
		say(fd, "x\n");
	run();
	assert_int_equal(rig.nr_lines, SERVER_REQUESTS);
	assert_int_equal(server_fd(rig.server), -1); /* and nothing to poll for */
	tick(SECOND / 50);
	assert_int_equal(rig.nr_lines, 2 * SERVER_REQUESTS);
	close(fd);
}

static void an_answer_may_come_later(void **state)
{
	int fd = dial(rig.path), other = dial(rig.path);

	(void)state;
	rig.defer = true;
	say(fd, "later\nnext\n");
	run();
	shutdown(fd, SHUT_WR); /* its end is no reason not to answer it */
	tick(3600 * SECOND);
	assert_int_equal(rig.nr_lines, 1);
	assert_string_equal(hear(fd), "");
	rig.defer = false;
	server_answer(rig.server, rig.peer, strdup("now"));
	server_answer(rig.server, rig.peer, strdup("twice is once too many"));
	server_answer(rig.server, 99, strdup("to nobody"));
	tick(1);
	assert_string_equal(hear(fd), "now\n[next]\n");
	assert_string_equal(hear(fd), "EOF");
	close(fd);
	close(other);
}

static void who_leaves_is_forgotten(void **state)
{
	int fd = dial(rig.path), other;

	(void)state;
	rig.defer = true;
	say(fd, "later\n");
	run();
	close(fd);
	run();
	assert_int_equal(rig.nr_gone, 1);
	server_answer(rig.server, rig.peer, strdup("nobody is there"));
	/* Its number goes to another, who must not get that answer. */
	other = dial(rig.path);
	run();
	server_answer(rig.server, 0, strdup("not asked yet"));
	tick(1);
	assert_string_equal(hear(other), "");
	close(other);
}

static void no_memory_for_an_answer(void **state)
{
	int fd = dial(rig.path);

	(void)state;
	rig.defer = true;
	say(fd, "x\n");
	run();
	server_answer(rig.server, rig.peer, NULL);
	assert_string_equal(hear(fd), "EOF");
	assert_int_equal(server_dropped(rig.server), 1);
	close(fd);
}

/* Clients that do anything at all: nobody else's answer is lost or wrong. */
static void chaos(void **state)
{
	enum { NR = 12 };
	static const char *const words[] = {
		"x\n", "part", "\n", "big\n", "\xff\x80\n", "a\nb\nc\n"
	};
	int fd[NR], good = dial(rig.path);
	uint64_t seed = 1;

	(void)state;
	memset(fd, -1, sizeof(fd));
	for (int i = 0; i < 20000; i++) {
		int *p = &fd[unit_below(&seed, NR)];
		uint32_t what = unit_below(&seed, 10);

		if (*p < 0)
			*p = dial(rig.path);
		else if (what < 5)
			say(*p, words[unit_below(&seed, 6)]);
		else if (what < 8)
			hear(*p);
		else if (what < 9)
			shutdown(*p, unit_below(&seed, 2) ? SHUT_WR : SHUT_RD);
		else if (!close(*p))
			*p = -1;
		if (i % 20 == 0) {
			say(good, "good\n");
			tick(SECOND / 50);
			tick(SECOND / 50);
			assert_string_equal(hear(good), "[good]\n");
		}
		run();
	}
	for (int i = 0; i < NR; i++)
		if (fd[i] >= 0)
			close(fd[i]);
	close(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(answers_lines),
		WITH_RIG(the_last_line_needs_no_newline),
		WITH_RIG(lines_may_have_nuls),
		WITH_RIG(a_line_has_4096_bytes),
		WITH_RIG(a_megabyte_is_not_kept),
		WITH_RIG(who_does_not_read_is_dropped),
		WITH_RIG(who_reads_slowly_but_does_is_served),
		WITH_RIG(who_does_not_read_is_not_read_from),
		WITH_RIG(who_does_not_end_a_line_is_dropped),
		WITH_RIG(a_thousand_connections),
		WITH_RIG(the_idle_one_makes_way),
		WITH_RIG(requests_are_bounded),
		WITH_RIG(an_answer_may_come_later),
		WITH_RIG(who_leaves_is_forgotten),
		WITH_RIG(no_memory_for_an_answer),
		WITH_RIG(chaos),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
