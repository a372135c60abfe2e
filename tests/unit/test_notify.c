// SPDX-License-Identifier: GPL-2.0-only
/* test_notify.c - what the service manager is told, with a socket in its place. */
#define _GNU_SOURCE
#include "unit.h"

#include <errno.h>
#include <stdbool.h>

#include "dial.h"
#include "notify.h"

static struct {
	char dir[64], path[80];
	int fd; /* the manager's */
	struct notify notify;
} r;

static int listen_at(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)addr, len), 0);
	return fd;
}

static int set_up(void **state)
{
	struct sockaddr_un addr;

	(void)state;
	memset(&r, 0, sizeof(r));
	snprintf(r.dir, sizeof(r.dir), "%s", dial_dir());
	snprintf(r.path, sizeof(r.path), "%s/notify", r.dir);
	addr = dial_addr(r.path);
	r.fd = listen_at(&addr, sizeof(addr));
	setenv("NOTIFY_SOCKET", r.path, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	notify_close(&r.notify);
	close(r.fd);
	unlink(r.path);
	return rmdir(r.dir);
}

/* The next message; "" if there is none. */
static const char *told(void)
{
	static char text[1024];
	ssize_t n = recv(r.fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void tells_each_state(void **state)
{
	(void)state;
	assert_int_equal(notify_open(&r.notify), 0);
	notify_ready(&r.notify);
	assert_string_equal(told(), "READY=1");
	notify_reloading(&r.notify, 12345678901);
	assert_string_equal(told(), "RELOADING=1\nMONOTONIC_USEC=12345678");
	notify_stopping(&r.notify);
	assert_string_equal(told(), "STOPPING=1");
	notify_tick(&r.notify, SECOND);
	assert_string_equal(told(), "");
}

static void a_status_is_told_once(void **state)
{
	char text[2 * NOTIFY_TEXT_LEN];

	(void)state;
	assert_int_equal(notify_open(&r.notify), 0);
	notify_status(&r.notify, "fifo#1");
	notify_status(&r.notify, "fifo#1");
	notify_status(&r.notify, "fifo#2");
	assert_string_equal(told(), "STATUS=fifo#1");
	assert_string_equal(told(), "STATUS=fifo#2");
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	notify_status(&r.notify, text);
	assert_int_equal(strlen(told()), strlen("STATUS=") + NOTIFY_TEXT_LEN - 1);
}

static void the_watchdog_is_fed_twice_as_often_as_needed(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "4000000", 1);
	assert_int_equal(notify_open(&r.notify), 0);
	notify_tick(&r.notify, 100 * SECOND);
	assert_string_equal(told(), "WATCHDOG=1");
	notify_tick(&r.notify, 102 * SECOND - 1);
	assert_string_equal(told(), "");
	notify_tick(&r.notify, 102 * SECOND);
	assert_string_equal(told(), "WATCHDOG=1");
}

static void the_watchdog_of_another_is_not_ours(void **state)
{
	char pid[16];

	(void)state;
	setenv("WATCHDOG_USEC", "4000000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(notify_open(&r.notify), 0);
	notify_tick(&r.notify, 100 * SECOND);
	assert_string_equal(told(), "");
	notify_close(&r.notify);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("NOTIFY_SOCKET", r.path, 1);
	setenv("WATCHDOG_USEC", "4000000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(notify_open(&r.notify), 0);
	notify_tick(&r.notify, 100 * SECOND);
	assert_string_equal(told(), "WATCHDOG=1");
}

static void children_do_not_inherit_it(void **state)
{
	(void)state;
	setenv("WATCHDOG_USEC", "4000000", 1);
	assert_int_equal(notify_open(&r.notify), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_null(getenv("WATCHDOG_USEC"));
	assert_null(getenv("WATCHDOG_PID"));
}

static void nobody_to_tell(void **state)
{
	(void)state;
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&r.notify), 0);
	notify_ready(&r.notify);
	notify_status(&r.notify, "x");
	notify_tick(&r.notify, SECOND);
	assert_string_equal(told(), "");
}

static void sockets_that_are_none(void **state)
{
	static const struct {
		const char *name;
		int err;
	} rows[] = { { "relative", -EINVAL }, { "/", -EINVAL }, { "/nowhere/notify", -ENOENT } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setenv("NOTIFY_SOCKET", rows[i].name, 1);
		assert_int_equal(notify_open(&r.notify), rows[i].err);
		notify_ready(&r.notify);
		notify_tick(&r.notify, SECOND);
	}
}

static void an_abstract_name(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[64];
	int n = snprintf(name, sizeof(name), "@%s", r.path);

	(void)state;
	memcpy(addr.sun_path + 1, name + 1, (size_t)n - 1);
	close(r.fd);
	r.fd = listen_at(&addr, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n));
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(notify_open(&r.notify), 0);
	notify_ready(&r.notify);
	assert_string_equal(told(), "READY=1");
}

/* A manager that reads nothing for a while gets the last state, not a blocked scheduler. */
static void a_manager_that_is_busy(void **state)
{
	char text[32];
	int nr = 0;
	bool is_ready = false;

	(void)state;
	assert_int_equal(notify_open(&r.notify), 0);
	do {
		snprintf(text, sizeof(text), "status %d", nr);
		notify_status(&r.notify, text);
	} while (!strcmp(r.notify.status, text) && ++nr < 100000);
	assert_true(nr < 100000);
	notify_reloading(&r.notify, SECOND);
	notify_ready(&r.notify);
	while (nr--)
		assert_ptr_not_equal(strstr(told(), "STATUS="), NULL);
	assert_string_equal(told(), "");
	for (int i = 0; i < 3; i++) {
		notify_tick(&r.notify, SECOND);
		is_ready |= !strcmp(told(), "READY=1");
		assert_string_equal(told(), "");
	}
	assert_true(is_ready);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(tells_each_state),
		TEST(a_status_is_told_once),
		TEST(the_watchdog_is_fed_twice_as_often_as_needed),
		TEST(the_watchdog_of_another_is_not_ours),
		TEST(children_do_not_inherit_it),
		TEST(nobody_to_tell),
		TEST(sockets_that_are_none),
		TEST(an_abstract_name),
		TEST(a_manager_that_is_busy),
	};

	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
