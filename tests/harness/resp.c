// SPDX-License-Identifier: Apache-2.0
#include "tests/harness/resp.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/harness/options.h"

#define WORDS_MAX 16
#define ANSWER_S  10

void sl_resp_open(struct sl_resp *resp, uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET,
					     .sin_port = htons(port),
					     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const struct timeval limit = { .tv_sec = ANSWER_S };
	const int at_once = 1;

	resp->begin = resp->end = 0;
	resp->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (resp->fd < 0 ||
	    setsockopt(resp->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
	    setsockopt(resp->fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof(at_once)) != 0 ||
	    connect(resp->fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		sl_die("no Redis on port %u: %m", port);
}

void sl_resp_close(struct sl_resp *resp)
{
	(void)close(resp->fd);
}

static void put(struct sl_resp *resp, const char *bytes, size_t length)
{
	while (length) {
		ssize_t sent = send(resp->fd, bytes, length, MSG_NOSIGNAL);

		if (sent <= 0)
			sl_die("Redis takes no more: %m");
		bytes += sent;
		length -= (size_t)sent;
	}
}

static void more(struct sl_resp *resp)
{
	ssize_t got;

	if (resp->end == sizeof(resp->bytes))
		sl_die("a reply of over %zu bytes", sizeof(resp->bytes));
	got = recv(resp->fd, resp->bytes + resp->end, sizeof(resp->bytes) - resp->end, 0);
	if (got <= 0)
		sl_die("Redis does not answer: %m");
	resp->end += (size_t)got;
}

/* Without its CRLF. */
static struct sl_span line(struct sl_resp *resp)
{
	size_t at = resp->begin;
	struct sl_span text;

	for (;; at++) {
		while (at + 1 >= resp->end)
			more(resp);
		if (resp->bytes[at] == '\r' && resp->bytes[at + 1] == '\n')
			break;
	}
	text = (struct sl_span){ resp->bytes + resp->begin, at - resp->begin };
	resp->begin = at + 2;
	return text;
}

static bool read_reply(struct sl_resp *resp, struct sl_span *ret)
{
	struct sl_span head = line(resp);
	long length;

	if (!head.length)
		sl_die("an empty line of Redis");
	*ret = (struct sl_span){ head.at + 1, head.length - 1 };
	if (head.at[0] == '+' || head.at[0] == ':' || head.at[0] == '-')
		return head.at[0] != '-';
	if (head.at[0] != '$')
		sl_die("not read by this: %c", head.at[0]);
	length = strtol(ret->at, NULL, 10);
	*ret = (struct sl_span){ resp->bytes + resp->begin, 0 };
	if (length < 0)
		return false;
	while (resp->end - resp->begin < (size_t)length + 2)
		more(resp);
	ret->length = (size_t)length;
	resp->begin += (size_t)length + 2;
	return true;
}

void sl_resp_send(struct sl_resp *resp, const char *const *argv, const size_t *lengths, size_t argc)
{
	char *call = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&call, &length);

	if (!out)
		sl_die("out of memory");
	(void)fprintf(out, "*%zu\r\n", argc);
	for (size_t i = 0; i < argc; i++) {
		(void)fprintf(out, "$%zu\r\n", lengths[i]);
		(void)fwrite(argv[i], 1, lengths[i], out);
		(void)fputs("\r\n", out);
	}
	if (fclose(out) != 0)
		sl_die("out of memory");
	put(resp, call, length); /* in one write, as our client does it */
	free(call);
}

bool sl_resp_read(struct sl_resp *resp, struct sl_span *ret)
{
	if (resp->begin == resp->end)
		resp->begin = resp->end = 0;
	return read_reply(resp, ret);
}

bool sl_resp_call(struct sl_resp *resp, struct sl_span *ret, const char *const *argv,
		  const size_t *lengths, size_t argc)
{
	resp->begin = resp->end = 0;
	sl_resp_send(resp, argv, lengths, argc);
	return sl_resp_read(resp, ret);
}

bool sl_resp_words(struct sl_resp *resp, struct sl_span *ret, ...)
{
	const char *argv[WORDS_MAX];
	size_t lengths[WORDS_MAX], argc = 0;
	const char *word;
	va_list words;

	va_start(words, ret);
	while ((word = va_arg(words, const char *))) {
		if (argc == WORDS_MAX)
			sl_die("too many words for Redis");
		argv[argc] = word;
		lengths[argc++] = strlen(word);
	}
	va_end(words);
	return sl_resp_call(resp, ret, argv, lengths, argc);
}
