// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/harness/nats.h"

#define START_TRIES  500
#define TRY_NS	     20000000L
#define PORT_FIRST   20000u
#define PORT_SPAN    10000u
#define PORTS_A_TEST 16u
#define OPEN_MAX     16u

/* What is to be removed at exit; a failed test does not come to its end. */
static struct {
	pid_t owner;
	char folders[OPEN_MAX][64];
} left;

static int tcp_socket(uint16_t port, struct sockaddr_in *ret)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	*ret = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port) };
	ret->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd;
}

static bool port_is_free(uint16_t port)
{
	struct sockaddr_in address;
	int fd = tcp_socket(port, &address);
	int on = 1;
	bool is_free;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	is_free = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is_free;
}

uint16_t sl_nats_free_port(void)
{
	static unsigned int asked;

	for (unsigned int i = 0; i < PORT_SPAN; i++) {
		unsigned int offset = (unsigned int)getpid() * PORTS_A_TEST + asked++;
		uint16_t port = (uint16_t)(PORT_FIRST + offset % PORT_SPAN);

		if (port_is_free(port))
			return port;
	}
	fail_msg("no free port");
	return 0;
}

static bool answers(uint16_t port)
{
	struct sockaddr_in address;
	int fd = tcp_socket(port, &address);
	struct timeval patience = { .tv_sec = 1 };
	char info[5] = "";
	bool is_up;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	is_up = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		recv(fd, info, 4, MSG_WAITALL) == 4 && strcmp(info, "INFO") == 0;
	close(fd);
	return is_up;
}

static void write_configuration(const struct sl_nats *nats)
{
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/conf", nats->folder);
	file = fopen(path, "we");
	assert_non_null(file);
	fprintf(file, "listen: \"127.0.0.1:%u\"\njetstream { store_dir: \"%s/js\" }\n%s\n",
		nats->port, nats->folder, nats->settings ? nats->settings : "");
	assert_int_equal(fclose(file), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static void remove_folder(const char *folder)
{
	(void)nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Only in the process that made them: a forked child leaves them alone. */
static void remove_all(void)
{
	for (size_t i = 0; left.owner == getpid() && i < OPEN_MAX; i++)
		if (left.folders[i][0])
			remove_folder(left.folders[i]);
}

static void note_folder(const char *folder)
{
	if (!left.owner) {
		left.owner = getpid();
		assert_int_equal(atexit(remove_all), 0);
	}
	for (size_t i = 0; i < OPEN_MAX; i++) {
		if (!left.folders[i][0]) {
			(void)snprintf(left.folders[i], sizeof(left.folders[i]), "%s", folder);
			return;
		}
	}
}

static void forget_folder(const char *folder)
{
	for (size_t i = 0; i < OPEN_MAX; i++)
		if (strcmp(left.folders[i], folder) == 0)
			left.folders[i][0] = '\0';
}

void sl_nats_prepare(struct sl_nats *ret, const char *settings)
{
	*ret = (struct sl_nats){ .port = sl_nats_free_port() };
	ret->settings = settings ? strdup(settings) : NULL;
	(void)snprintf(ret->folder, sizeof(ret->folder), "/tmp/sluice-nats-XXXXXX");
	assert_non_null(mkdtemp(ret->folder));
	note_folder(ret->folder);
	(void)snprintf(ret->url, sizeof(ret->url), "nats://127.0.0.1:%u", ret->port);
}

static void run_server(const struct sl_nats *nats, pid_t parent)
{
	char conf[96], log[96];
	int fd;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	(void)snprintf(conf, sizeof(conf), "%s/conf", nats->folder);
	(void)snprintf(log, sizeof(log), "%s/log", nats->folder);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)execlp("nats-server", "nats-server", "-c", conf, (char *)NULL);
	_exit(127);
}

void sl_nats_start(struct sl_nats *nats)
{
	struct timespec wait = { .tv_nsec = TRY_NS };
	pid_t parent = getpid();
	int status;

	assert_int_equal(nats->pid, 0);
	write_configuration(nats);
	nats->pid = fork();
	assert_true(nats->pid >= 0);
	if (nats->pid == 0)
		run_server(nats, parent);
	for (int i = 0; i < START_TRIES; i++) {
		if (answers(nats->port))
			return;
		if (waitpid(nats->pid, &status, WNOHANG) != 0)
			fail_msg("nats-server does not run; is it installed? see %s/log",
				 nats->folder);
		(void)nanosleep(&wait, NULL);
	}
	fail_msg("nats-server does not answer");
}

void sl_nats_open(struct sl_nats *ret, const char *settings)
{
	sl_nats_prepare(ret, settings);
	sl_nats_start(ret);
}

static void end(struct sl_nats *nats, int signal)
{
	if (!nats->pid)
		return;
	(void)kill(nats->pid, SIGCONT);
	(void)kill(nats->pid, signal);
	(void)waitpid(nats->pid, NULL, 0);
	nats->pid = 0;
}

void sl_nats_kill(struct sl_nats *nats)
{
	end(nats, SIGKILL);
}

void sl_nats_freeze(const struct sl_nats *nats, bool frozen)
{
	int status;

	assert_int_equal(kill(nats->pid, frozen ? SIGSTOP : SIGCONT), 0);
	if (frozen)
		assert_int_equal(waitpid(nats->pid, &status, WUNTRACED), nats->pid);
}

void sl_nats_close(struct sl_nats *nats)
{
	end(nats, SIGKILL);
	remove_folder(nats->folder);
	forget_folder(nats->folder);
	free(nats->settings);
	nats->settings = NULL;
}
