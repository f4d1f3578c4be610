/* SPDX-License-Identifier: Apache-2.0 */
/* What nginx looks for in a module that it loads. */
#include "userspace/gateway/nginx/glue.h"

#define EXPORT __attribute__((visibility("default")))

extern char *ngx_module_order[];

EXPORT ngx_module_t *ngx_modules[] = { &ngx_http_sluice_module, NULL };

EXPORT char *ngx_module_names[] = { "ngx_http_sluice_module", NULL };

/* Before the copy filter: its filters then come after those that compress or cut. */
EXPORT char *ngx_module_order[] = { "ngx_http_sluice_module", "ngx_http_copy_filter_module", NULL };
