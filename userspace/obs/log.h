/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event, one line: logfmt for people, JSON for collectors (contract, section 4).
 *
 *	sl_log(log, SL_LOG_INFO, "interface attached", SL_STR("interface", name),
 *	       SL_NUM("ifindex", ifindex));
 *
 * Values are escaped, so what a stranger sent cannot forge a line, and masked by the
 * rules of domain/mask.h. A line has 4 KiB at most, a value 1 KiB of text: what is
 * longer is cut, and a member for which there is no room is left out.
 *
 * In JSON tenant_id, run_id, flow_id, step_id, trace_id, request_id, error_code,
 * latency_ms, http_status, gateway_error_code, intake_error_code and
 * conflict_priority_level stand beside the message; all other fields are in "context".
 *
 * Owner:  the log belongs to who made it; it does not close its descriptor.
 * Thread: one at a time. Errors of writing are dropped: there is nobody to tell.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sl_log_level {
	SL_LOG_ERROR = 0, /* somebody must act */
	SL_LOG_WARN,	  /* it goes on, with less than was asked for */
	SL_LOG_INFO,	  /* what an operator wants to find later */
	SL_LOG_DEBUG,
};

enum sl_log_format {
	SL_LOG_TEXT = 0, /* ts=... level=... msg="..." key=value */
	SL_LOG_JSON,	 /* timestamp, level, component, message, ..., context{} */
};

/* What strangers can cause goes out under one of these: a few lines a second each. */
enum sl_log_class {
	SL_LOG_DROPS = 0,
	SL_LOG_CLIENTS,
	SL_LOG_SCRAPES,
	SL_LOG_SYNC,
	SL_LOG_LINKS,
	SL_LOG_ABUSE,
	SL_LOG_CLASSES,
};

struct sl_log_field {
	const char *key;  /* a literal: letters, digits and _ */
	const char *text; /* NULL is written as "", in JSON as null */
	int64_t number;
	double real;
	bool is_text;
	bool is_real;
};

#define SL_STR(name, value) ((struct sl_log_field){ (name), (value), 0, 0, true, false })
#define SL_NUM(name, value)                                                                        \
	((struct sl_log_field){ (name), NULL, (int64_t)(value), 0, false, false })
#define SL_REAL(name, value) ((struct sl_log_field){ (name), NULL, 0, (value), false, true })

struct sl_log;

/* Lines go to @fd. -ENOMEM. */
int sl_log_new(struct sl_log **ret, int fd, enum sl_log_format format, enum sl_log_level level);
void sl_log_free(struct sl_log *log);
void sl_log_freep(struct sl_log **log);

/* Who says it, a literal: gateway, router, worker, usage; "agent" unless it is set. */
void sl_log_set_component(struct sl_log *log, const char *component);

/* For tests: the clock that paces the classes, and the timestamp of every line (NULL: now). */
void sl_log_set_clock(struct sl_log *log, uint64_t (*now_ns)(void), const char *timestamp);

/* @log may be NULL: nothing is written. */
void sl_log_write(struct sl_log *log, enum sl_log_level level, const char *message,
		  const struct sl_log_field *fields, size_t count);

/* The same, at most SL_LOG_BURST lines at once and one more each second for the
 * class; the next line that goes out says how many did not ("suppressed"). */
#define SL_LOG_BURST 10
void sl_log_write_limited(struct sl_log *log, enum sl_log_class which, enum sl_log_level level,
			  const char *message, const struct sl_log_field *fields, size_t count);

#define SL_LOG_FIELDS_(...)                                                                        \
	((const struct sl_log_field[]){ { NULL, NULL, 0, 0, false, false }, ##__VA_ARGS__ }) + 1,  \
		sizeof((const struct sl_log_field[]){ { NULL, NULL, 0, 0, false, false },          \
						      ##__VA_ARGS__ }) /                           \
				sizeof(struct sl_log_field) -                                      \
			1

#define sl_log(log, level, message, ...)                                                           \
	sl_log_write((log), (level), (message), SL_LOG_FIELDS_(__VA_ARGS__))
#define sl_log_limited(log, which, level, message, ...)                                            \
	sl_log_write_limited((log), (which), (level), (message), SL_LOG_FIELDS_(__VA_ARGS__))
