/* SPDX-License-Identifier: Apache-2.0 */
/* Directives, the shared zone, and the life of a worker. */
#include "userspace/gateway/nginx/glue.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/random.h>

#include "userspace/gateway/settings.h"
#include "userspace/gateway/window_client.h"
#include "userspace/obs/log.h"

#define TICK_MS	      500
#define PORTS_MAX     64
#define ZONE_NAME     "sluice"
#define ZONE_OVERHEAD (16 * 4096) /* what nginx's slab pool needs beside us */

static struct sl_worker worker;

struct sl_worker *sl_glue_worker(void)
{
	return &worker;
}

/* ---- directives ---------------------------------------------------------------------- */

static void *create_main(ngx_conf_t *cf)
{
	return ngx_pcalloc(cf->pool, sizeof(struct sl_glue_main));
}

static void *create_server(ngx_conf_t *cf)
{
	return ngx_pcalloc(cf->pool, sizeof(struct sl_glue_server));
}

static void *create_location(ngx_conf_t *cf)
{
	struct sl_glue_location *location = ngx_pcalloc(cf->pool, sizeof(*location));

	if (location)
		location->role = NGX_CONF_UNSET_UINT;
	return location;
}

static char *merge_location(ngx_conf_t *cf, void *parent, void *child)
{
	const struct sl_glue_location *outer = parent;
	struct sl_glue_location *inner = child;
	ngx_http_core_loc_conf_t *core;

	ngx_conf_merge_uint_value(inner->role, outer->role, SL_GLUE_OFF);
	if (inner->role == SL_GLUE_OFF)
		return NGX_CONF_OK;
	/* Bodies are bounded by the settings, in the contract's order, and kept in memory. */
	core = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
	core->client_max_body_size = 0;
	core->client_body_buffer_size = SL_REQUEST_BYTES_MAX + 4096;
	core->handler = sl_glue_handle;
	return NGX_CONF_OK;
}

static char *set_role(ngx_conf_t *cf, ngx_command_t *command, void *conf)
{
	struct sl_glue_main *main_conf =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module);
	struct sl_glue_server *server =
		ngx_http_conf_get_module_srv_conf(cf, ngx_http_sluice_module);
	const ngx_str_t *words = cf->args->elts;
	struct sl_glue_location *location = conf;
	struct sl_span role = sl_glue_span(words[1]);

	(void)command;
	if (location->role != NGX_CONF_UNSET_UINT)
		return "is duplicate";
	if (sl_span_is(role, "off")) {
		location->role = SL_GLUE_OFF;
		return NGX_CONF_OK;
	}
	if (sl_span_is(role, "on"))
		location->role = SL_GLUE_API;
	else if (sl_span_is(role, "metrics"))
		location->role = SL_GLUE_OPERATOR;
	else
		return "wants on, metrics or off";
	main_conf->wanted = 1;
	server->ours = 1;
	return NGX_CONF_OK;
}

static ngx_command_t commands[] = {
	{ ngx_string("sluice_config"), NGX_HTTP_MAIN_CONF | NGX_CONF_TAKE1, ngx_conf_set_str_slot,
	  NGX_HTTP_MAIN_CONF_OFFSET, offsetof(struct sl_glue_main, config_path), NULL },
	{ ngx_string("sluice"), NGX_HTTP_LOC_CONF | NGX_CONF_TAKE1, set_role,
	  NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
	ngx_null_command
};

/* ---- settings and the zone ---------------------------------------------------------------- */

static void free_settings(void *settings)
{
	sl_settings_free(settings);
}

static int load_settings(struct sl_settings **ret, ngx_conf_t *cf, ngx_str_t *path,
			 struct sl_settings_error *error)
{
	if (path->len && ngx_conf_full_name(cf->cycle, path, 1) != NGX_OK)
		return -ENOMEM;
	return sl_settings_load(ret, path->len ? (const char *)path->data : NULL, environ, error);
}

/* What only a worker would stumble over, and then too late. */
static int check_settings(const struct sl_settings *settings, struct sl_settings_error *error)
{
	return sl_window_check(settings, error->message, sizeof(error->message));
}

static ngx_int_t read_settings(ngx_conf_t *cf, struct sl_glue_main *main_conf)
{
	ngx_pool_cleanup_t *cleanup = ngx_pool_cleanup_add(cf->pool, 0);
	struct sl_settings_error error = { "" };
	int r;

	if (!cleanup)
		return NGX_ERROR;
	r = load_settings(&main_conf->settings, cf, &main_conf->config_path, &error);
	cleanup->handler = free_settings;
	cleanup->data = main_conf->settings;
	if (!r)
		r = check_settings(main_conf->settings, &error);
	if (!r)
		return NGX_OK;
	ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "sluice: %s",
			   error.message[0] ? error.message : strerror(-r));
	return NGX_ERROR;
}

/* A zone that is there already, from before a reload, is taken over as it stands. */
static ngx_int_t init_zone(ngx_shm_zone_t *zone, void *old)
{
	const struct sl_glue_main *main_conf = zone->data;
	ngx_slab_pool_t *pool = (ngx_slab_pool_t *)(void *)zone->shm.addr;
	uint64_t secret[2];
	char *memory;

	if (old) {
		zone->data = old;
		return NGX_OK;
	}
	memory = ngx_slab_calloc(pool, sl_shared_bytes(main_conf->settings) + 64);
	if (!memory || getrandom(secret, sizeof(secret), 0) != (ssize_t)sizeof(secret))
		return NGX_ERROR;
	memory = (char *)ngx_align_ptr(memory, 64);
	sl_shared_init((struct sl_shared *)(void *)memory, main_conf->settings, secret);
	zone->data = memory;
	return NGX_OK;
}

static ngx_int_t add_zone(ngx_conf_t *cf, struct sl_glue_main *main_conf)
{
	size_t bytes = sl_shared_bytes(main_conf->settings);
	ngx_str_t name = ngx_string(ZONE_NAME);

	/* The slab pool keeps a page's worth of state for each page it hands out. */
	bytes += bytes / 64 + ZONE_OVERHEAD;
	main_conf->zone = ngx_shared_memory_add(cf, &name, bytes, &ngx_http_sluice_module);
	if (!main_conf->zone)
		return NGX_ERROR;
	main_conf->zone->init = init_zone;
	main_conf->zone->data = main_conf;
	return NGX_OK;
}

static ngx_int_t postconfiguration(ngx_conf_t *cf)
{
	struct sl_glue_main *main_conf =
		ngx_http_conf_get_module_main_conf(cf, ngx_http_sluice_module);
	ngx_str_t path;

	if (!main_conf->wanted)
		return NGX_OK;
	if (read_settings(cf, main_conf) != NGX_OK || add_zone(cf, main_conf) != NGX_OK)
		return NGX_ERROR;
	if (main_conf->settings->log.file[0]) {
		path.data = (u_char *)main_conf->settings->log.file;
		path.len = strlen(main_conf->settings->log.file);
		main_conf->log_file = ngx_conf_open_file(cf->cycle, &path);
		if (!main_conf->log_file)
			return NGX_ERROR;
	}
	return sl_glue_filter_init(cf);
}

/* ---- a worker ------------------------------------------------------------------------------ */

static bool is_worker(void)
{
	return ngx_process == NGX_PROCESS_WORKER || ngx_process == NGX_PROCESS_SINGLE;
}

/* A descriptor of our own, which keeps its number when the file is opened anew. */
static int open_log(struct sl_glue_main *main_conf)
{
	int fd = main_conf->log_file ? main_conf->log_file->fd : STDERR_FILENO, r;

	worker.log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	r = sl_log_new(&worker.log, worker.log_fd, SL_LOG_JSON,
		       (enum sl_log_level)main_conf->settings->log.level);
	if (!r)
		sl_log_set_component(worker.log, "gateway");
	return r;
}

/* After `nginx -s reopen` the file is another. */
static void follow_log(void)
{
	const ngx_open_file_t *file = worker.main->log_file;

	if (file && file->fd != NGX_INVALID_FILE)
		(void)dup2(file->fd, worker.log_fd);
}

static void tick(ngx_event_t *event)
{
	if (ngx_exiting && worker.gateway)
		sl_gateway_drain(worker.gateway);
	follow_log();
	/* Open streams keep a worker that ends until they were told. */
	event->cancelable = worker.streams == 0;
	if (!ngx_exiting || worker.streams)
		ngx_add_timer(event, TICK_MS);
}

void sl_glue_stream_began(void)
{
	worker.streams++;
	worker.tick.cancelable = 0;
}

static void make_gateway(ngx_cycle_t *cycle)
{
	struct sl_gateway_error error = { "" };
	uint16_t ports[PORTS_MAX];
	const struct sl_gateway_options options = {
		.loop = &worker.loop,
		.settings = worker.main->settings,
		.shared = worker.main->zone->data,
		.worker = (unsigned int)ngx_worker,
		.log = worker.log,
		.ports = ports,
		.port_count = sl_glue_ports(ports, PORTS_MAX, cycle),
	};
	sigset_t all, before;
	int r;

	/* Signals are for nginx's thread: those that are made here block all. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = sl_gateway_new(&worker.gateway, &options, &error);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r)
		ngx_log_error(NGX_LOG_EMERG, cycle->log, 0, "sluice: no gateway: %s",
			      error.message[0] ? error.message : strerror(-r));
}

static ngx_int_t init_process(ngx_cycle_t *cycle)
{
	struct sl_glue_main *main_conf =
		ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sluice_module);

	if (!is_worker() || !main_conf || !main_conf->wanted)
		return NGX_OK;
	ngx_memzero(&worker, sizeof(worker));
	worker.main = main_conf;
	sl_glue_loop_init(&worker.loop);
	if (open_log(main_conf))
		return NGX_ERROR;
	make_gateway(cycle);
	worker.dummy.fd = (ngx_socket_t)-1;
	worker.tick.data = &worker.dummy;
	worker.tick.handler = tick;
	worker.tick.log = cycle->log;
	worker.tick.cancelable = 1;
	ngx_add_timer(&worker.tick, TICK_MS);
	return NGX_OK;
}

static void exit_process(ngx_cycle_t *cycle)
{
	(void)cycle;
	if (!worker.main)
		return;
	sl_gateway_free(worker.gateway);
	worker.gateway = NULL;
	if (worker.tick.timer_set)
		ngx_del_timer(&worker.tick);
	sl_log_free(worker.log);
	worker.log = NULL;
	if (worker.log_fd > 0)
		(void)close(worker.log_fd);
}

static ngx_http_module_t context = {
	.postconfiguration = postconfiguration,
	.create_main_conf = create_main,
	.create_srv_conf = create_server,
	.create_loc_conf = create_location,
	.merge_loc_conf = merge_location,
};

ngx_module_t ngx_http_sluice_module = {
	NGX_MODULE_V1, &context, commands, NGX_HTTP_MODULE, NULL, NULL,
	init_process,  NULL,	 NULL,	   exit_process,    NULL, NGX_MODULE_V1_PADDING,
};
