/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a launcher makes of its sandbox: limits of the process that is started, the program that starts it in
 * namespaces, a variable that tells the worker of the rest, and what its link waits for. */

#include "config.h"

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "sandbox/ferry-bubblewrap-private.h"
#include "sandbox/ferry-sandbox-private.h"

#define ADDRESS_ROOM (G_GUINT64_CONSTANT (512) << 20)

gboolean
ferry_sandbox_is_on (FerrySandbox *self)
{
  return self != NULL && self->policy != FERRY_SANDBOX_POLICY_OFF;
}

static gboolean
check_possible (FerrySandbox *self, guint32 possible, const char *name, GError **error)
{
  guint32 required = self->policy == FERRY_SANDBOX_POLICY_REQUIRED ? self->required_layers : 0;
  guint32 missing = required & ~(possible & self->layers);
  g_autofree char *names = ferry_confinement_name_layers (missing);

  if (missing == 0)
    return TRUE;
  if ((missing & possible) != 0)
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                 "The sandbox of worker “%s” requires what it leaves out itself (%s); see "
                 "ferry_sandbox_set_layers()",
                 name, names);
  else
    g_set_error (error, FERRY_ERROR, FERRY_ERROR_LAUNCH_FAILED,
                 "This system cannot give worker “%s” the sandbox that it requires: it lacks %s; prefer the sandbox "
                 "instead (ferry_sandbox_set_policy()), or run where there is that",
                 name, names);
  return FALSE;
}

/* A sandbox only lowers: where the application has less itself, that is it. */
static void
lower_limit (FerryAttributes *attributes, FerryLimit limit, guint64 value)
{
  const guint64 own = ferry_attributes_get_own_limit (limit);
  gboolean set = (attributes->limits_set & (1u << limit)) != 0;

  value = MIN (value, own);
  if (set && attributes->limits[limit] <= value)
    return;
  attributes->limits_set |= 1u << limit;
  attributes->limits[limit] = value;
}

/* A limit of 1 is below the size of any dump, and the only one at which none is piped into a program. */
static void
apply_limits (FerrySandbox *self, FerryAttributes *attributes)
{
  lower_limit (attributes, FERRY_LIMIT_CORE_SIZE, 1);
  if (self->cpu_limit > 0)
    lower_limit (attributes, FERRY_LIMIT_CPU_TIME, self->cpu_limit);
  if (self->descriptor_limit > 0)
    lower_limit (attributes, FERRY_LIMIT_OPEN_FILES, self->descriptor_limit);
  attributes->private_memory = self->memory_limit;
}

static void
copy_paths (GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, g_strdup (g_ptr_array_index (from, i)));
}

/* Beside its own memory a worker maps the link's, where the rings lie twice in a row, and has room for programs,
 * libraries, files, and addresses that are only reserved. */
static guint64
get_address_space (FerrySandbox *self, const FerryLink *link)
{
  if (self->memory_limit == 0 || (self->layers & FERRY_LAYER_LIMITS) == 0)
    return 0;
  return MIN (self->memory_limit, G_MAXINT64 / 2) + link->segment.size + link->segment.up_capacity +
         FERRY_DOWN_CAPACITY + ADDRESS_ROOM;
}

static FerrySandboxPlan *
make_plan (FerrySandbox *self, const FerryLink *link, guint32 possible)
{
  FerrySandboxPlan *plan = ferry_sandbox_plan_new ();

  plan->layers = self->layers & possible;
  plan->required = self->policy == FERRY_SANDBOX_POLICY_REQUIRED ? self->required_layers : 0;
  plan->network = self->network;
  plan->address_space = get_address_space (self, link);
  copy_paths (plan->read_only, self->read_only);
  copy_paths (plan->writable, self->writable);
  return plan;
}

/* main: has the plan, of a program that is executed, start it in the sandbox. Fails with FERRY_ERROR_LAUNCH_FAILED. */
gboolean
ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error)
{
  FerryConfinement *confinement = &link->confinement;
  guint32 possible = (guint32) ferry_sandbox_get_strength ();
  g_autoptr (FerrySandboxPlan) sandbox = NULL;
  g_autofree char *text = NULL;

  if (!check_possible (self, possible, link->name, error))
    return FALSE;
  sandbox = make_plan (self, link, possible);
  text = ferry_sandbox_plan_to_text (sandbox);
  plan->environ = g_environ_setenv (plan->environ, FERRY_SANDBOX_VARIABLE, text, TRUE);
  if ((sandbox->layers & FERRY_LAYER_LIMITS) != 0)
    apply_limits (self, &plan->attributes);
  plan->attributes.no_new_privileges = (sandbox->layers & FERRY_LAYER_NO_NEW_PRIVILEGES) != 0;
  confinement->required = sandbox->required;
  /* Namespaces are given once they have been seen. */
  confinement->given = sandbox->layers & ~(FERRY_LAYERS_OF_WORKER | FERRY_LAYER_NAMESPACES);
  /* What wraps a program that cannot be executed would tell so by an exit status of its own. */
  confinement->wrapped = (sandbox->layers & FERRY_LAYER_NAMESPACES) != 0 && ferry_spawn_can_execute (plan);
  if (confinement->wrapped)
    ferry_bubblewrap_wrap (plan, sandbox);
  ferry_confinement_begin (link);
  return TRUE;
}
