// SPDX-License-Identifier: Apache-2.0
#include "userspace/cli/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "userspace/base/cleanup.h"

#define ENTER "\033[?1049h\033[?25l\033[?7l" /* alternate screen, no cursor, no line wrap */
#define LEAVE "\033[0m\033[?7h\033[?25h\033[?1049l"

struct sl_terminal {
	int in;
	int out;
	int signals;
	sigset_t old_mask;
	struct termios old;
	char bytes[64]; /* read, not yet decoded */
	size_t count;
};

static int take_signals(struct sl_terminal *terminal)
{
	sigset_t mask;

	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGINT);
	(void)sigaddset(&mask, SIGTERM);
	(void)sigaddset(&mask, SIGHUP);
	(void)sigaddset(&mask, SIGWINCH);
	if (sigprocmask(SIG_BLOCK, &mask, &terminal->old_mask))
		return -errno;
	terminal->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	return terminal->signals < 0 ? -errno : 0;
}

static int set_raw(const struct sl_terminal *terminal)
{
	struct termios raw = terminal->old;

	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	return tcsetattr(terminal->in, TCSAFLUSH, &raw) ? -errno : 0;
}

int sl_terminal_open(struct sl_terminal **ret, int in, int out)
{
	struct sl_terminal *terminal;
	int err;

	if (!isatty(in) || !isatty(out))
		return -ENOTTY;
	terminal = calloc(1, sizeof(*terminal));
	if (!terminal)
		return -ENOMEM;
	terminal->in = in;
	terminal->out = out;
	terminal->signals = -1;
	if (tcgetattr(in, &terminal->old)) {
		err = -errno;
		free(terminal);
		return err;
	}
	err = take_signals(terminal);
	if (!err)
		err = set_raw(terminal);
	if (!err)
		err = sl_terminal_write(terminal, ENTER, strlen(ENTER));
	if (err) {
		sl_terminal_close(terminal);
		return err;
	}
	*ret = terminal;
	return 0;
}

void sl_terminal_close(struct sl_terminal *terminal)
{
	if (!terminal)
		return;
	(void)sl_terminal_write(terminal, LEAVE, strlen(LEAVE));
	(void)tcsetattr(terminal->in, TCSAFLUSH, &terminal->old);
	if (terminal->signals >= 0)
		(void)close(terminal->signals);
	(void)sigprocmask(SIG_SETMASK, &terminal->old_mask, NULL);
	free(terminal);
}

void sl_terminal_closep(struct sl_terminal **terminal)
{
	sl_terminal_close(*terminal);
}

void sl_terminal_size(const struct sl_terminal *terminal, size_t *ret_columns, size_t *ret_rows)
{
	struct winsize size = { 0 };
	bool known = !ioctl(terminal->out, TIOCGWINSZ, &size) && size.ws_col && size.ws_row;

	*ret_columns = known ? size.ws_col : 80;
	*ret_rows = known ? size.ws_row : 24;
}

static enum sl_key read_signal(const struct sl_terminal *terminal)
{
	struct signalfd_siginfo info;

	if (read(terminal->signals, &info, sizeof(info)) != sizeof(info))
		return SL_KEY_NONE;
	return info.ssi_signo == SIGWINCH ? SL_KEY_RESIZE : SL_KEY_QUIT;
}

static enum sl_key decode(struct sl_terminal *terminal, char *ret_char)
{
	size_t used = 0;
	enum sl_key key = sl_key_decode(terminal->bytes, terminal->count, &used, ret_char);

	memmove(terminal->bytes, terminal->bytes + used, terminal->count - used);
	terminal->count -= used;
	return key;
}

enum sl_key sl_terminal_wait(struct sl_terminal *terminal, uint64_t timeout_ms, char *ret_char)
{
	struct pollfd fds[2] = { { .fd = terminal->in, .events = POLLIN },
				 { .fd = terminal->signals, .events = POLLIN } };
	ssize_t got;

	if (terminal->count)
		return decode(terminal, ret_char);
	if (poll(fds, 2, timeout_ms > 3600000 ? 3600000 : (int)timeout_ms) <= 0)
		return SL_KEY_NONE;
	if (fds[1].revents)
		return read_signal(terminal);
	got = read(terminal->in, terminal->bytes, sizeof(terminal->bytes));
	if (got <= 0)
		return got < 0 && errno == EINTR ? SL_KEY_NONE : SL_KEY_QUIT;
	terminal->count = (size_t)got;
	return decode(terminal, ret_char);
}

int sl_terminal_write(struct sl_terminal *terminal, const char *text, size_t length)
{
	while (length) {
		ssize_t wrote = write(terminal->out, text, length);

		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return -errno;
		text += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}
