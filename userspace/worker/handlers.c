// SPDX-License-Identifier: Apache-2.0
#include "userspace/worker/handlers.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "userspace/worker/run.h"

struct sl_handlers {
	unsigned int holders;
	struct sl_worker_config *config;
	struct sl_bound_handler bound[]; /* beside config->handlers */
};

static const struct sl_built_in *const built_ins[] = {
	[SL_HANDLER_ECHO] = &sl_handler_echo,
	[SL_HANDLER_SIMULATE] = &sl_handler_simulate,
	[SL_HANDLER_HTTP] = &sl_handler_http,
};

__attribute__((format(printf, 4, 5))) static int refuse(struct sl_handlers_error *error,
							const struct sl_bound_handler *bound,
							int err, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	(void)snprintf(error->message, sizeof(error->message), "handler %.40s: %s",
		       bound->config->name, why);
	return err;
}

static int make_built_in(struct sl_bound_handler *bound, struct sl_handlers_error *error)
{
	const struct sl_built_in *built_in = built_ins[bound->config->kind];
	struct sl_handlers_error why = { .message = "" };
	int err = built_in->make ? built_in->make(&bound->state, bound->config, &why) : 0;

	if (err)
		return refuse(error, bound, err, "%.200s", why.message);
	bound->handler = &built_in->handler;
	return 0;
}

static int find_plugin(struct sl_bound_handler *bound, struct sl_handlers_error *error)
{
	const struct sl_worker_handler *handler;

	/* NOLINTNEXTLINE(concurrency-mt-unsafe): dlerror() is of the thread */
	bound->object = dlopen(bound->config->path, RTLD_NOW | RTLD_LOCAL);
	if (!bound->object)
		return refuse(error, bound, -ENOENT, "%.200s", dlerror());
	handler = dlsym(bound->object, SL_WORKER_SYMBOL);
	if (!handler)
		return refuse(error, bound, -EINVAL, "%.150s does not export " SL_WORKER_SYMBOL,
			      bound->config->path);
	if (handler->api == 0 || handler->api > SL_WORKER_API || !handler->run)
		return refuse(error, bound, -EINVAL,
			      "%.150s is made for interface %u, this worker has 1 to %u",
			      bound->config->path, handler->api, SL_WORKER_API);
	bound->handler = handler;
	return 0;
}

static int make_plugin(struct sl_bound_handler *bound, struct sl_handlers_error *error)
{
	char why[200] = "";
	int err = find_plugin(bound, error);

	if (err || !bound->handler || !bound->handler->init)
		return err;
	err = bound->handler->init(&bound->state, &sl_run_host, bound->config->settings, why,
				   sizeof(why));
	why[sizeof(why) - 1] = '\0';
	return err ? refuse(error, bound, err < 0 ? err : -EINVAL, "%s", why) : 0;
}

static void release(struct sl_handlers *handlers)
{
	for (size_t i = 0; i < handlers->config->handler_count; i++) {
		struct sl_bound_handler *bound = &handlers->bound[i];

		if (bound->ready && bound->handler->free)
			bound->handler->free(bound->state);
		if (bound->object)
			(void)dlclose(bound->object);
	}
	free(handlers);
}

int sl_handlers_new(struct sl_handlers **ret, struct sl_worker_config *config,
		    struct sl_handlers_error *error)
{
	struct sl_handlers *handlers =
		calloc(1, sizeof(*handlers) + config->handler_count * sizeof(handlers->bound[0]));
	int err = 0;

	if (!handlers) {
		(void)snprintf(error->message, sizeof(error->message), "out of memory");
		return -ENOMEM;
	}
	handlers->holders = 1;
	handlers->config = config;
	for (size_t i = 0; i < config->handler_count && !err; i++) {
		struct sl_bound_handler *bound = &handlers->bound[i];

		bound->config = &config->handlers[i];
		err = bound->config->kind == SL_HANDLER_PLUGIN ? make_plugin(bound, error)
							       : make_built_in(bound, error);
		bound->ready = !err;
	}
	if (!err) {
		*ret = handlers;
		return 0;
	}
	release(handlers);
	return err;
}

void sl_handlers_hold(struct sl_handlers *handlers)
{
	handlers->holders++;
}

void sl_handlers_drop(struct sl_handlers *handlers)
{
	struct sl_worker_config *config;

	if (!handlers || --handlers->holders)
		return;
	config = handlers->config;
	release(handlers);
	sl_worker_config_clear(config);
	free(config);
}

const struct sl_bound_handler *sl_handlers_find(const struct sl_handlers *handlers,
						const char *provider_id, const char *type)
{
	const struct sl_handler_config *config =
		sl_worker_config_handler(handlers->config, provider_id, type);

	return config ? &handlers->bound[config - handlers->config->handlers] : NULL;
}

size_t sl_handlers_index(const struct sl_handlers *handlers, const struct sl_bound_handler *of)
{
	return (size_t)(of - handlers->bound);
}
