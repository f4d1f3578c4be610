// SPDX-License-Identifier: Apache-2.0
#include "userspace/redis/redis.h"

#include <string.h>

#define COUNTER(member, text)                                                                      \
	{                                                                                          \
		"redis_" #member, text, offsetof(struct sl_redis_stats, member), false             \
	}
#define GAUGE(member, text)                                                                        \
	{                                                                                          \
		"redis_" #member, text, offsetof(struct sl_redis_stats, member), true              \
	}

const struct sl_redis_metric sl_redis_metrics[] = {
	COUNTER(calls_total, "Commands that were to be sent."),
	COUNTER(answers_total, "Commands that Redis answered, other than by an error."),
	COUNTER(timeouts_total, "Commands without an answer until their deadline."),
	COUNTER(lost_total, "Commands whose connection broke before the answer."),
	COUNTER(short_circuit_total, "Commands refused by an open breaker."),
	COUNTER(busy_total, "Commands refused because too many were in flight."),
	COUNTER(resent_total, "Commands sent again because an answer said so."),
	COUNTER(moved_total, "Answers MOVED."),
	COUNTER(ask_total, "Answers ASK."),
	COUNTER(try_again_total, "Answers TRYAGAIN."),
	COUNTER(cluster_down_total, "Answers CLUSTERDOWN."),
	COUNTER(loading_total, "Answers LOADING."),
	COUNTER(read_only_total, "Answers READONLY."),
	COUNTER(no_function_total, "Answers that a function is not there."),
	COUNTER(denied_total, "Answers NOAUTH, WRONGPASS and NOPERM."),
	COUNTER(full_total, "Answers OOM: the server's memory is full."),
	COUNTER(other_errors_total, "Other errors of the server."),
	COUNTER(connects_total, "Connections that became ready."),
	COUNTER(connect_failures_total, "Connections that did not become ready."),
	COUNTER(disconnects_total, "Connections that were ready and are gone."),
	COUNTER(breaker_opened_total, "Times that a breaker opened."),
	COUNTER(master_changes_total, "Times that the master was another one."),
	COUNTER(resolves_total, "Answers of sentinels, and maps of slots."),
	COUNTER(resolve_failures_total, "Tries to get one that failed."),
	COUNTER(name_failures_total, "Times that no configured name had an address."),
	COUNTER(hostile_total, "Answers that cannot be: hosts, maps, sizes, unasked ones."),
	COUNTER(library_loads_total, "Times that the library of functions was loaded."),
	COUNTER(library_load_failures_total, "Times that it could not be looked for or loaded."),
	COUNTER(library_newer_total, "Connections to servers that have a newer library."),
	GAUGE(in_flight, "Commands without an answer yet."),
	GAUGE(masters, "Masters that there are."),
	GAUGE(masters_usable, "Masters that are connected and whose breaker is closed."),
};
const size_t sl_redis_metric_count = sizeof(sl_redis_metrics) / sizeof(sl_redis_metrics[0]);

uint64_t sl_redis_metric_value(const struct sl_redis_metric *metric,
			       const struct sl_redis_stats *stats)
{
	uint64_t value;

	memcpy(&value, (const char *)stats + metric->offset, sizeof(value));
	return value;
}
