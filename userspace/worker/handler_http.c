// SPDX-License-Identifier: Apache-2.0
/* Posts the payload to a provider's URL by libcurl, one connection a thread, kept alive. */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/base/cleanup.h"
#include "userspace/base/clock.h"
#include "userspace/domain/fields.h"
#include "userspace/pressure/retry_budget.h"
#include "userspace/worker/handlers.h"
#include "userspace/worker/http_outcome.h"
#include "userspace/worker/run.h"

#define NS_PER_MS	  1000000ull
#define HEADER_BYTES	  (SL_WORKER_URL_BYTES + 64)
#define SECRET_BYTES	  4096
#define CONNECT_MS_MAX	  10000
#define DEADLINE_SLACK_MS 5u

/* Connections wait here between two jobs. */
struct handle {
	struct handle *next;
	CURL *curl;
};

struct http {
	const struct sl_handler_config *config;
	char authorization[SECRET_BYTES + 32]; /* the header, or "" */
	pthread_mutex_t mutex;
	struct handle *idle;
	struct sl_retry_budget retries; /* of all jobs of this provider */
};

/* One try, or several, of one job. */
struct post {
	struct http *http;
	const struct sl_worker_job *job;
	CURL *curl;
	struct curl_slist *headers;
	struct sl_span body;
	char *answer; /* config->response_bytes_max and one */
	size_t length;
	bool too_large;
	char error[CURL_ERROR_SIZE];
};

/* ---- connections ------------------------------------------------------------------ */

static struct handle *take_handle(struct http *http)
{
	struct handle *handle;

	(void)pthread_mutex_lock(&http->mutex);
	handle = http->idle;
	if (handle)
		http->idle = handle->next;
	(void)pthread_mutex_unlock(&http->mutex);
	if (handle)
		return handle;
	handle = calloc(1, sizeof(*handle));
	if (handle)
		handle->curl = curl_easy_init();
	if (handle && handle->curl)
		return handle;
	free(handle);
	return NULL;
}

static void give_handle(struct http *http, struct handle *handle)
{
	curl_easy_reset(handle->curl); /* options, not the connection */
	(void)pthread_mutex_lock(&http->mutex);
	handle->next = http->idle;
	http->idle = handle;
	(void)pthread_mutex_unlock(&http->mutex);
}

/* ---- one try ---------------------------------------------------------------------- */

static size_t on_answer(char *bytes, size_t one, size_t count, void *arg)
{
	struct post *post = arg;
	size_t room = post->http->config->response_bytes_max - post->length;

	(void)one; /* is 1 */
	if (count > room) {
		post->too_large = true;
		return 0;
	}
	memcpy(post->answer + post->length, bytes, count);
	post->length += count;
	return count;
}

static int on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct post *post = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return sl_run_host.stopped(post->job);
}

static void set_bounds(struct post *post)
{
	const struct sl_handler_config *config = post->http->config;
	uint64_t now_ns = sl_monotonic_ns(), deadline_ns = post->job->deadline_ns;
	/* A little over the deadline: then it was the deadline, not a slow provider. */
	uint64_t left_ms =
		(deadline_ns > now_ns ? (deadline_ns - now_ns) / NS_PER_MS : 0) + DEADLINE_SLACK_MS;

	if (left_ms > config->timeout_ns / NS_PER_MS)
		left_ms = config->timeout_ns / NS_PER_MS;
	(void)curl_easy_setopt(post->curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
	(void)curl_easy_setopt(post->curl, CURLOPT_CONNECTTIMEOUT_MS,
			       (long)(left_ms < CONNECT_MS_MAX ? left_ms : CONNECT_MS_MAX));
	(void)curl_easy_setopt(post->curl, CURLOPT_WRITEFUNCTION, on_answer);
	(void)curl_easy_setopt(post->curl, CURLOPT_WRITEDATA, post);
	(void)curl_easy_setopt(post->curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(post->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(post->curl, CURLOPT_XFERINFODATA, post);
}

static void set_request(struct post *post)
{
	const struct sl_handler_config *config = post->http->config;
	CURL *curl = post->curl;

	(void)curl_easy_setopt(curl, CURLOPT_URL, config->url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, post->error);
	(void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body.at);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.length);
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, post->headers);
	if (config->ca_file[0])
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, config->ca_file);
}

static enum sl_http_trouble trouble_of(CURLcode code, const struct post *post)
{
	double connected = 0;

	if (code == CURLE_OK)
		return SL_HTTP_ANSWERED;
	if (post->too_large)
		return SL_HTTP_TOO_LARGE;
	switch ((int)code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		return SL_HTTP_NOT_SENT;
	case CURLE_OPERATION_TIMEDOUT:
		/* Before there was a connection nothing can have arrived. */
		(void)curl_easy_getinfo(post->curl, CURLINFO_CONNECT_TIME, &connected);
		return connected > 0 ? SL_HTTP_TOO_SLOW : SL_HTTP_NOT_SENT;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_WEIRD_SERVER_REPLY:
		return SL_HTTP_BROKEN;
	default:
		return SL_HTTP_MISCONFIGURED;
	}
}

static struct sl_http_outcome try_once(struct post *post, struct sl_worker_result *result)
{
	long status = 0;
	enum sl_http_trouble trouble;
	struct sl_http_outcome outcome;

	post->length = 0;
	post->too_large = false;
	post->error[0] = '\0';
	set_bounds(post);
	trouble = trouble_of(curl_easy_perform(post->curl), post);
	(void)curl_easy_getinfo(post->curl, CURLINFO_RESPONSE_CODE, &status);
	outcome = sl_http_outcome_of(trouble, status);
	if (!outcome.code)
		result->message[0] = '\0';
	else if (trouble == SL_HTTP_ANSWERED)
		(void)snprintf(result->message, sizeof(result->message),
			       "the provider answered %ld", status);
	else if (trouble == SL_HTTP_TOO_LARGE)
		(void)snprintf(result->message, sizeof(result->message),
			       "the provider's answer has more than %llu bytes",
			       (unsigned long long)post->http->config->response_bytes_max);
	else
		(void)snprintf(result->message, sizeof(result->message), "%s",
			       post->error[0] ? post->error : "the post failed");
	return outcome;
}

/* ---- all tries -------------------------------------------------------------------- */

static bool is_safe(const struct post *post, struct sl_http_outcome outcome)
{
	if (outcome.again == SL_HTTP_IF_IDEMPOTENT)
		return post->http->config->idempotent;
	return outcome.again == SL_HTTP_SAFE;
}

static void count_first_try(struct http *http)
{
	(void)pthread_mutex_lock(&http->mutex);
	sl_retry_budget_request(&http->retries);
	(void)pthread_mutex_unlock(&http->mutex);
}

/* And as long as no more than a tenth of all posts are repetitions: a provider that is down
 * is not asked three times as often as one that is well. */
static bool may_try_again(struct post *post, struct sl_http_outcome outcome, unsigned int tries)
{
	struct http *http = post->http;
	bool may;

	if (!is_safe(post, outcome))
		return false;
	(void)pthread_mutex_lock(&http->mutex);
	may = sl_retry_budget_take(&http->retries, tries, false);
	(void)pthread_mutex_unlock(&http->mutex);
	return may;
}

static struct sl_http_outcome try_all(struct post *post, struct sl_worker_result *result)
{
	const struct sl_worker_job *job = post->job;
	struct sl_http_outcome outcome;

	count_first_try(post->http);
	outcome = try_once(post, result);
	for (unsigned int attempt = 1; attempt < job->attempts_max; attempt++) {
		uint32_t luck = (uint32_t)sl_monotonic_ns() / 1000;

		if (!may_try_again(post, outcome, attempt) ||
		    !sl_run_host.sleep(job, sl_http_backoff_ms(job->backoff_ms, attempt, luck)))
			break;
		outcome = try_once(post, result);
	}
	return outcome;
}

static void add_line(struct post *post, const char *line)
{
	struct curl_slist *longer = line[0] ? curl_slist_append(post->headers, line) : NULL;

	if (longer)
		post->headers = longer;
}

static void add_header(struct post *post, const char *name, const char *value)
{
	char line[HEADER_BYTES];

	if (!value[0])
		return;
	(void)snprintf(line, sizeof(line), "%s: %s", name, value);
	add_line(post, line);
}

static void add_headers(struct post *post)
{
	add_header(post, "Content-Type", "application/json");
	add_header(post, "Idempotency-Key", post->job->assignment_id);
	add_header(post, "X-Request-ID", post->job->request_id);
	add_header(post, "X-Tenant-ID", post->job->tenant_id);
	add_header(post, "traceparent", post->job->traceparent);
	add_header(post, "tracestate", post->job->tracestate);
	add_line(post, "Expect:"); /* no 100-continue: it costs a round trip */
	add_line(post, post->http->authorization);
}

static void take_answer(struct post *post, struct sl_worker_result *result)
{
	int err;

	if (!post->length)
		return;
	err = sl_run_host.output(result, post->answer, post->length);
	if (err == -EINVAL) /* not JSON */
		err = sl_run_host.output_text(result, post->answer, post->length);
	if (!err)
		return;
	result->status = SL_WORKER_ERROR;
	result->code = SL_WORKER_INTERNAL_ERROR;
	(void)snprintf(result->message, sizeof(result->message), "the answer could not be kept");
}

static void post_job(struct post *post, struct sl_worker_result *result)
{
	struct sl_http_outcome outcome;

	add_headers(post);
	set_request(post);
	outcome = try_all(post, result);
	curl_slist_free_all(post->headers);
	if (outcome.code) {
		result->status = SL_WORKER_ERROR;
		result->code = outcome.code;
		return;
	}
	result->cost = post->http->config->cost;
	take_answer(post, result);
}

static void fail_memory(struct sl_worker_result *result)
{
	result->status = SL_WORKER_ERROR;
	result->code = SL_WORKER_RESOURCE_UNAVAILABLE;
	(void)snprintf(result->message, sizeof(result->message), "out of memory");
}

static void run(void *state, const struct sl_worker_job *job, struct sl_worker_result *result)
{
	sl_cleanup(sl_json_out_free) struct sl_json_out reference = SL_JSON_OUT(8192);
	struct http *http = state;
	sl_autofree char *answer = malloc(http->config->response_bytes_max + 1);
	struct handle *handle = take_handle(http);
	struct post post = { .http = http,
			     .job = job,
			     .body = { job->payload, job->payload_length },
			     .answer = answer };

	if (job->payload_ref[0]) {
		sl_json_open(&reference, '{');
		sl_fields_put_text(&reference, "payload_ref", job->payload_ref);
		sl_json_close(&reference, '}');
		post.body = (struct sl_span){ NULL, 0 };
		(void)sl_json_done(&post.body, &reference);
	}
	if (handle && answer && post.body.at) {
		post.curl = handle->curl;
		post_job(&post, result);
	} else {
		fail_memory(result);
	}
	if (handle)
		give_handle(http, handle);
}

/* ---- begin and end ---------------------------------------------------------------- */

static int read_secret(struct http *http, struct sl_handlers_error *error)
{
	const char *path = http->config->authorization_file;
	sl_autofclose FILE *file = NULL;
	char line[SECRET_BYTES] = "";

	if (!path[0])
		return 0;
	file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file)) {
		(void)snprintf(error->message, sizeof(error->message),
			       "%.150s: cannot read authorization_file", path);
		return -ENOENT;
	}
	line[strcspn(line, "\r\n")] = '\0';
	(void)snprintf(http->authorization, sizeof(http->authorization), "Authorization: %s", line);
	return 0;
}

static int make(void **ret_state, const struct sl_handler_config *config,
		struct sl_handlers_error *error)
{
	sl_autofree struct http *http = calloc(1, sizeof(*http));
	int err;

	if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		(void)snprintf(error->message, sizeof(error->message), "libcurl does not start");
		return -ENOMEM;
	}
	http->config = config;
	err = read_secret(http, error);
	if (err) {
		curl_global_cleanup();
		return err;
	}
	(void)pthread_mutex_init(&http->mutex, NULL);
	*ret_state = SL_TAKE_PTR(http);
	return 0;
}

static void release(void *state)
{
	struct http *http = state;
	struct handle *next;

	for (struct handle *handle = http->idle; handle; handle = next) {
		next = handle->next;
		curl_easy_cleanup(handle->curl);
		free(handle);
	}
	(void)pthread_mutex_destroy(&http->mutex);
	free(http);
	curl_global_cleanup();
}

const struct sl_built_in sl_handler_http = {
	.handler = { .api = SL_WORKER_API, .name = "http", .run = run, .free = release },
	.make = make,
};
