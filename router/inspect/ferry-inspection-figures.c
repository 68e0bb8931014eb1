/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a look at the application finds of figures: the counters of routers, and the properties of routers, pools and
 * executors that are numbers, by the names that the reference has them by.
 *
 * Threads: the routers'. */

#include "config.h"

#include "inspect/ferry-inspection-private.h"

#include "base/ferry-base-private.h"
#include "ferry-enums.h"
#include "route/ferry-router-private.h"
#include "task/ferry-executor-private.h"

typedef struct
{
  const char *name;  /* of a property */
  const char *limit; /* (nullable): of the one that bounds it */
} Property;

static const Property of_routers[] = {{"running", NULL}, {"n-pipes", NULL}};
static const Property of_pools[] = {{"n-workers", "max-workers"}, {"n-busy", "max-workers"}, {"n-restarts", NULL}};
static const Property of_executors[] = {{"n-waiting", "max-pending"}, {"n-executing", NULL}, {"paused", NULL},
                                        {"n-completed", NULL},        {"n-failed", NULL},    {"n-cancelled", NULL}};
/* A queue in a file has these, too. */
static const Property of_keepers[] = {{"n-waiting", NULL}, {"paused", NULL}};

/* The object that figures are of. */
typedef struct
{
  FerryKind kind;
  guint64 number;
  const char *name; /* (nullable) */
  gboolean of_queue;
} Owner;

static void
add (FerryInspection *self, guint max, const Owner *owner, const FerryInspectedFigure *figure, gboolean is_first)
{
  FerryInspectedFigure *added;

  /* Most are 0 in most programs. The first one of each object says that it is there. */
  if (self->figures->len >= max || (figure->value == 0 && figure->limit == 0 && !is_first))
    return;
  added = g_memdup2 (figure, sizeof *figure);
  added->kind = owner->kind;
  added->owner = owner->number;
  added->owner_name = g_strdup (owner->name);
  added->of_queue = owner->of_queue;
  g_ptr_array_add (self->figures, added);
}

/* The value of a property that is a number. is_flag (nullable): set to whether it is only 0 or 1. */
static guint64
read_number (gpointer object, const char *name, gboolean *is_flag)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) number = G_VALUE_INIT;

  g_object_get_property (object, name, &value);
  if (is_flag != NULL)
    *is_flag = G_VALUE_HOLDS_BOOLEAN (&value);
  if (G_VALUE_HOLDS_BOOLEAN (&value))
    return (guint64) g_value_get_boolean (&value);
  g_value_init (&number, G_TYPE_UINT64);
  return g_value_transform (&value, &number) ? g_value_get_uint64 (&number) : 0;
}

static void
add_properties (FerryInspection *self, guint max, const Owner *owner, gpointer object, const Property *all, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      FerryInspectedFigure figure = {.name = all[i].name};
      gboolean is_flag;

      figure.value = read_number (object, all[i].name, &is_flag);
      figure.unit = is_flag ? FERRY_UNIT_FLAG : FERRY_UNIT_COUNT;
      figure.limit = all[i].limit != NULL ? read_number (object, all[i].limit, NULL) : 0;
      add (self, max, owner, &figure, i == 0);
    }
}

static FerryUnit
get_unit (const char *counter)
{
  if (g_str_has_suffix (counter, "bytes"))
    return FERRY_UNIT_BYTES;
  return g_str_has_suffix (counter, "time") ? FERRY_UNIT_MICROSECONDS : FERRY_UNIT_COUNT;
}

/* The property of the router that bounds the counter; 0: none does. */
static guint64
get_limit (FerryRouter *router, FerryCounter counter)
{
  if (counter == FERRY_COUNTER_QUEUED_BYTES)
    return read_number (router, "local-queue-limit", NULL);
  return counter == FERRY_COUNTER_BUFFER_BYTES ? read_number (router, "buffer-limit", NULL) : 0;
}

static void
add_router (FerryInspection *self, guint max, FerryRouter *router, guint64 number)
{
  g_autoptr (GEnumClass) counters = g_type_class_ref (FERRY_TYPE_COUNTER);
  Owner owner = {.kind = FERRY_KIND_ROUTER, .number = number};

  add_properties (self, max, &owner, router, of_routers, G_N_ELEMENTS (of_routers));
  for (guint i = 0; i < counters->n_values; i++)
    {
      FerryCounter counter = (FerryCounter) counters->values[i].value;
      FerryInspectedFigure figure = {
        .name = counters->values[i].value_nick,
        .unit = get_unit (counters->values[i].value_nick),
        .value = ferry_router_get_counter (router, counter),
        .limit = get_limit (router, counter),
      };

      add (self, max, &owner, &figure, FALSE);
    }
}

static void
add_executor (FerryInspection *self, guint max, FerryExecutor *executor, guint64 number)
{
  Owner owner = {.kind = FERRY_KIND_EXECUTOR, .number = number};
  FerryPool *pool = ferry_executor_get_pool (executor);
  g_autofree char *name = NULL;
  FerryExecutorStand stand;

  if (pool != NULL)
    g_object_get (pool, "name", &name, NULL);
  owner.name = name;
  ferry_executor_get_stand (executor, &stand);
  add_properties (self, max, &owner, executor, of_executors, G_N_ELEMENTS (of_executors));
  add (self, max, &owner, &(FerryInspectedFigure){.name = "not taken in", .value = stand.n_unheard}, FALSE);
  for (guint i = 0; i < stand.keepers->len; i++)
    {
      FerryRunKeeper *keeper = g_ptr_array_index (stand.keepers, i);

      owner.of_queue = TRUE;
      add_properties (self, max, &owner, keeper->list, of_keepers, G_N_ELEMENTS (of_keepers));
    }
}

void
ferry_inspection_add_figures (FerryInspection *self, guint max)
{
  g_autoptr (GArray) routers = ferry_registry_list (FERRY_KIND_ROUTER);
  g_autoptr (GArray) pools = ferry_registry_list (FERRY_KIND_POOL);
  g_autoptr (GArray) executors = ferry_registry_list (FERRY_KIND_EXECUTOR);

  for (guint i = 0; i < executors->len; i++)
    {
      const FerryFound *found = &g_array_index (executors, FerryFound, i);

      if (ferry_router_is_here (ferry_executor_get_router (found->object)))
        add_executor (self, max, found->object, found->number);
    }
  for (guint i = 0; i < pools->len; i++)
    {
      const FerryFound *found = &g_array_index (pools, FerryFound, i);
      Owner owner = {.kind = FERRY_KIND_POOL, .number = found->number};
      g_autofree char *name = NULL;

      if (!ferry_router_is_here (ferry_runner_get_router (found->object)))
        continue;
      g_object_get (found->object, "name", &name, NULL);
      owner.name = name;
      add_properties (self, max, &owner, found->object, of_pools, G_N_ELEMENTS (of_pools));
    }
  for (guint i = 0; i < routers->len; i++)
    {
      const FerryFound *found = &g_array_index (routers, FerryFound, i);

      if (ferry_router_is_here (found->object))
        add_router (self, max, found->object, found->number);
    }
}
