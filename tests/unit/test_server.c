// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_server.c - the line server: what it serves, whom it drops and when, what it does with files
 * in its way. Time is an argument, so nothing here waits.
 */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "dial.h"

enum { BIG = 600000 }; /* more than a socket's buffers take */

static struct {
	char dir[64], path[80];
	struct server *server;
	uint64_t now;
	bool defer;
	uint32_t peer; /* that asked last */
	uint32_t nr_lines, nr_gone;
	char line[SERVER_LINE_MAX + 1];
	size_t len;
} r;

/* "big" is answered at length, anything else with itself in brackets. */
static void on_line(uint32_t peer, const char *line, size_t len, void *arg)
{
	char *text = malloc(BIG + 1);

	assert_ptr_equal(arg, &r);
	assert_int_equal(line[len], '\0');
	r.peer = peer;
	r.nr_lines++;
	r.len = len;
	memcpy(r.line, line, len + 1);
	if (!strcmp(line, "big"))
		memset(text, 'x', BIG);
	else
		snprintf(text, BIG, "[%s]", line);
	text[BIG] = '\0';
	if (r.defer)
		free(text);
	else
		server_answer(r.server, peer, text);
}

static void on_gone(uint32_t peer, void *arg)
{
	(void)peer;
	(void)arg;
	r.nr_gone++;
}

static struct server_args server_args(const char *path)
{
	return (struct server_args){ .path = path,
				     .dir_mode = 0700,
				     .uid = geteuid(),
				     .on_line = on_line,
				     .on_gone = on_gone,
				     .arg = &r,
				     .too_many = "too many",
				     .too_long = "too long" };
}

static int open_at(const char *path, char *error)
{
	struct server_args args = server_args(path);

	return server_open(&r.server, &args, error);
}

static int set_up(void **state)
{
	char error[SERVER_ERROR_LEN];

	(void)state;
	memset(&r, 0, sizeof(r));
	snprintf(r.dir, sizeof(r.dir), "%s", dial_dir());
	snprintf(r.path, sizeof(r.path), "%s/run/s", r.dir);
	r.now = SECOND;
	return open_at(r.path, error);
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	server_close(r.server);
	snprintf(command, sizeof(command), "rm -rf %s", r.dir);
	return system(command);
}

static void run(void)
{
	serve(r.server, r.now);
}

static void tick(uint64_t later)
{
	r.now += later;
	server_tick(r.server, r.now);
	run();
}

static void answers_lines(void **state)
{
	int fd = dial(r.path);

	(void)state;
	say(fd, "one\ntwo\nthr");
	run();
	assert_string_equal(hear(fd), "[one]\n[two]\n");
	say(fd, "ee\n\n");
	run();
	assert_string_equal(hear(fd), "[three]\n[]\n");
	close(fd);
	run();
	assert_int_equal(r.nr_gone, 1);
	assert_int_equal(server_dropped(r.server), 0);
}

static void the_last_line_needs_no_newline(void **state)
{
	int fd = dial(r.path);

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
	int fd = dial(r.path);

	(void)state;
	assert_int_equal(send(fd, "a\0b\n", 4, 0), 4);
	run();
	assert_int_equal(r.len, 3);
	assert_memory_equal(r.line, "a\0b", 4);
	close(fd);
}

static void a_line_has_4096_bytes(void **state)
{
	static char text[SERVER_LINE_MAX + 2];
	int fd = dial(r.path);

	(void)state;
	memset(text, 'a', SERVER_LINE_MAX);
	text[SERVER_LINE_MAX] = '\n';
	say(fd, text);
	run();
	assert_int_equal(r.len, SERVER_LINE_MAX);
	assert_int_equal(strlen(hear(fd)), SERVER_LINE_MAX + 3);
	text[SERVER_LINE_MAX] = 'a';
	say(fd, text);
	run();
	assert_int_equal(r.nr_lines, 1);
	assert_string_equal(hear(fd), "too long\n");
	assert_string_equal(hear(fd), "EOF");
	assert_int_equal(server_dropped(r.server), 1);
	close(fd);
}

static void a_megabyte_is_not_kept(void **state)
{
	static char text[65537];
	int fd = dial(r.path), other = dial(r.path);
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
	int slow = dial(r.path), other = dial(r.path);

	(void)state;
	say(slow, "big\n");
	run();
	for (int i = 0; i < 5; i++) {
		tick(SECOND);
		say(other, "x\n");
		run();
		assert_string_equal(hear(other), "[x]\n");
		assert_int_equal(r.nr_gone, 0);
	}
	tick(1);
	assert_int_equal(r.nr_gone, 1);
	assert_int_equal(server_dropped(r.server), 1);
	assert_true(strlen(hear(slow)) < BIG);
	assert_string_equal(hear(slow), "EOF");
	close(slow);
	close(other);
}

static void who_reads_slowly_but_does_is_served(void **state)
{
	int fd = dial(r.path);
	size_t got = 0;

	(void)state;
	say(fd, "big\n");
	run();
	for (int i = 0; i < 10 && got < BIG + 1; i++) {
		got += strlen(hear(fd));
		tick(SECOND / 10);
	}
	assert_int_equal(got, BIG + 1);
	assert_int_equal(server_dropped(r.server), 0);
	close(fd);
}

/* Its requests are not read before it has read the answers to those before them. */
static void who_does_not_read_is_not_read_from(void **state)
{
	int fd = dial(r.path);

	(void)state;
	say(fd, "big\nbig\nbig\n");
	run();
	assert_int_equal(r.nr_lines, 1);
	while (strlen(hear(fd)))
		run();
	assert_int_equal(r.nr_lines, 3);
	close(fd);
}

static void who_does_not_end_a_line_is_dropped(void **state)
{
	int silent = dial(r.path), partial = dial(r.path), idle = dial(r.path);

	(void)state;
	say(partial, "part");
	say(idle, "x\n");
	run();
	tick(3 * SECOND);
	say(partial, "ial"); /* progress is not enough */
	run();
	tick(2 * SECOND);
	assert_int_equal(r.nr_gone, 0);
	tick(1);
	assert_int_equal(r.nr_gone, 2);
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
		while ((fd[i] = dial(r.path)) < 0) { /* the backlog is full */
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
	assert_int_equal(server_dropped(r.server), refused);
	run();
	assert_int_equal(r.nr_gone, SERVER_PEERS);
}

static void the_idle_one_makes_way(void **state)
{
	int fd[SERVER_PEERS], late;

	(void)state;
	for (int i = 0; i < SERVER_PEERS; i++) {
		fd[i] = dial(r.path);
		say(fd[i], "x\n");
		run();
		tick(SECOND / 50);
		assert_string_equal(hear(fd[i]), "[x]\n");
	}
	tick(6 * SECOND);
	say(fd[0], "again\n"); /* so the second is idle the longest */
	run();
	late = dial(r.path);
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
	int fd = dial(r.path);

	(void)state;
	run();
	tick(1);
	for (int i = 0; i < 2 * SERVER_REQUESTS; i++)
		say(fd, "x\n");
	run();
	assert_int_equal(r.nr_lines, SERVER_REQUESTS);
	assert_int_equal(server_fd(r.server), -1); /* and nothing to poll for */
	tick(SECOND / 50);
	assert_int_equal(r.nr_lines, 2 * SERVER_REQUESTS);
	close(fd);
}

static void an_answer_may_come_later(void **state)
{
	int fd = dial(r.path), other = dial(r.path);

	(void)state;
	r.defer = true;
	say(fd, "later\nnext\n");
	run();
	shutdown(fd, SHUT_WR); /* its end is no reason not to answer it */
	tick(3600 * SECOND);
	assert_int_equal(r.nr_lines, 1);
	assert_string_equal(hear(fd), "");
	r.defer = false;
	server_answer(r.server, r.peer, strdup("now"));
	server_answer(r.server, r.peer, strdup("twice is once too many"));
	server_answer(r.server, 99, strdup("to nobody"));
	tick(1);
	assert_string_equal(hear(fd), "now\n[next]\n");
	assert_string_equal(hear(fd), "EOF");
	close(fd);
	close(other);
}

static void who_leaves_is_forgotten(void **state)
{
	int fd = dial(r.path), other;

	(void)state;
	r.defer = true;
	say(fd, "later\n");
	run();
	close(fd);
	run();
	assert_int_equal(r.nr_gone, 1);
	server_answer(r.server, r.peer, strdup("nobody is there"));
	/* Its number goes to another, who must not get that answer. */
	other = dial(r.path);
	run();
	server_answer(r.server, 0, strdup("not asked yet"));
	tick(1);
	assert_string_equal(hear(other), "");
	close(other);
}

static void no_memory_for_an_answer(void **state)
{
	int fd = dial(r.path);

	(void)state;
	r.defer = true;
	say(fd, "x\n");
	run();
	server_answer(r.server, r.peer, NULL);
	assert_string_equal(hear(fd), "EOF");
	assert_int_equal(server_dropped(r.server), 1);
	close(fd);
}

/* Clients that do anything at all: nobody else's answer is lost or wrong. */
static void chaos(void **state)
{
	enum { NR = 12 };
	static const char *const words[] = {
		"x\n", "part", "\n", "big\n", "\xff\x80\n", "a\nb\nc\n"
	};
	int fd[NR], good = dial(r.path);
	uint64_t seed = 1;

	(void)state;
	memset(fd, -1, sizeof(fd));
	for (int i = 0; i < 20000; i++) {
		int *p = &fd[unit_below(&seed, NR)];
		uint32_t what = unit_below(&seed, 10);

		if (*p < 0)
			*p = dial(r.path);
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

/* ---- files ---- */

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void modes_keep_others_out(void **state)
{
	char dir[80];

	(void)state;
	snprintf(dir, sizeof(dir), "%s/run", r.dir);
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(r.path), 0600);
}

static void closing_removes_the_file(void **state)
{
	(void)state;
	server_close(r.server);
	r.server = NULL;
	assert_int_equal(access(r.path, F_OK), -1);
	assert_int_equal(errno, ENOENT);
}

static void closing_leaves_the_file_of_another(void **state)
{
	struct server *first = r.server;
	char error[SERVER_ERROR_LEN];

	(void)state;
	assert_int_equal(unlink(r.path), 0);
	assert_int_equal(open_at(r.path, error), 0);
	server_close(first);
	assert_int_equal(access(r.path, F_OK), 0);
}

static void two_on_one_path(void **state)
{
	struct server *first = r.server;
	char error[SERVER_ERROR_LEN];
	int fd;

	(void)state;
	assert_int_equal(open_at(r.path, error), -EADDRINUSE);
	assert_non_null(strstr(error, r.path));
	assert_non_null(strstr(error, "Address already in use"));
	assert_ptr_equal(r.server, first);
	fd = dial(r.path); /* the first is as it was */
	say(fd, "x\n");
	tick(1);
	assert_string_equal(hear(fd), "[x]\n");
	close(fd);
}

/* A socket that is bound and not listened to, as a process that was killed leaves it. */
static void leave_socket(const char *path)
{
	struct sockaddr_un addr = dial_addr(path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
}

static void a_stale_file_is_replaced(void **state)
{
	char error[SERVER_ERROR_LEN];
	int fd;

	(void)state;
	server_close(r.server);
	leave_socket(r.path);
	assert_int_equal(open_at(r.path, error), 0);
	assert_int_equal(mode_of(r.path), 0600);
	fd = dial(r.path);
	say(fd, "x\n");
	run();
	assert_string_equal(hear(fd), "[x]\n");
	close(fd);
}

static void what_is_no_socket_stays(void **state)
{
	char error[SERVER_ERROR_LEN], want[160];
	int fd;

	(void)state;
	server_close(r.server);
	r.server = NULL;
	fd = open(r.path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(open_at(r.path, error), -EEXIST);
	snprintf(want, sizeof(want), "%s is in the way: it is not a socket", r.path);
	assert_string_equal(error, want);
	assert_int_equal(access(r.path, F_OK), 0);
}

static void a_path_must_fit(void **state)
{
	struct server *first = r.server;
	char error[SERVER_ERROR_LEN], path[512];

	(void)state;
	assert_int_equal(open_at("relative", error), -EINVAL);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(open_at(path, error), -EINVAL);
	assert_true(strlen(error) < SERVER_ERROR_LEN);
	snprintf(path, sizeof(path), "%s/sub", r.path); /* below a socket */
	assert_int_equal(open_at(path, error), -ENOTDIR);
	assert_ptr_equal(r.server, first);
}

/* The process whose start is at the same point holds the directory's lock. */
static void two_that_start_at_once(void **state)
{
	char error[SERVER_ERROR_LEN], dir[80];
	int fd;

	(void)state;
	server_close(r.server);
	r.server = NULL;
	snprintf(dir, sizeof(dir), "%s/run", r.dir);
	fd = open(dir, O_RDONLY);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(open_at(r.path, error), -EADDRINUSE);
	close(fd);
	assert_int_equal(open_at(r.path, error), 0);
}

/* ---- who may ask ---- */

/* What another user gets; needs root to become one. */
static void another_user_is_refused(void **state)
{
	int fd, status;
	pid_t pid;

	(void)state;
	if (geteuid())
		skip();
	assert_int_equal(chmod(r.dir, 0755) + chmod(r.path, 0666), 0);
	*strrchr(r.path, '/') = '\0';
	assert_int_equal(chmod(r.path, 0755), 0);
	r.path[strlen(r.path)] = '/';
	pid = fork();
	if (!pid) {
		if (setresuid(65534, 65534, 65534))
			_exit(2);
		fd = dial(r.path);
		if (fd < 0)
			_exit(3);
		say(fd, "x\n");
		server_serve(r.server, r.now);
		server_serve(r.server, r.now);
		_exit(strcmp(hear(fd), "EOF") ? 4 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(answers_lines),
		TEST(the_last_line_needs_no_newline),
		TEST(lines_may_have_nuls),
		TEST(a_line_has_4096_bytes),
		TEST(a_megabyte_is_not_kept),
		TEST(who_does_not_read_is_dropped),
		TEST(who_reads_slowly_but_does_is_served),
		TEST(who_does_not_read_is_not_read_from),
		TEST(who_does_not_end_a_line_is_dropped),
		TEST(a_thousand_connections),
		TEST(the_idle_one_makes_way),
		TEST(requests_are_bounded),
		TEST(an_answer_may_come_later),
		TEST(who_leaves_is_forgotten),
		TEST(no_memory_for_an_answer),
		TEST(chaos),
		TEST(modes_keep_others_out),
		TEST(closing_removes_the_file),
		TEST(closing_leaves_the_file_of_another),
		TEST(two_on_one_path),
		TEST(a_stale_file_is_replaced),
		TEST(what_is_no_socket_stays),
		TEST(a_path_must_fit),
		TEST(two_that_start_at_once),
		TEST(another_user_is_refused),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
