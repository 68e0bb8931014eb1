/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox: its description, what a launcher makes of that, and what this system can give.
 *
 * Threads: the router's; for what this system can give, any. */

#include "config.h"

#include "sandbox/ferry-sandbox-private.h"

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "sandbox/ferry-bubblewrap-private.h"
#include "sandbox/ferry-call-filter-private.h"
#include "sandbox/ferry-landlock-private.h"
#include "sandbox/ferry-sandbox-plan-private.h"

#define USUAL_DESCRIPTORS 256
#define ADDRESS_ROOM (G_GUINT64_CONSTANT (512) << 20)

#define ALL_LAYERS                                                                                                     \
  (FERRY_LAYERS_OF_WORKER | FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | FERRY_LAYER_NAMESPACES)
#define USUALLY_REQUIRED                                                                                               \
  (FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | FERRY_LAYER_LANDLOCK | FERRY_LAYER_SYSTEM_CALLS)

/* What programs open after their start: libraries and modules, locales, fonts, the time zone. */
static const char *const system_paths[] = {"/usr",
                                           "/lib",
                                           "/lib32",
                                           "/lib64",
                                           "/libx32",
                                           "/bin",
                                           "/sbin",
                                           "/etc/ld.so.cache",
                                           "/etc/ld.so.conf",
                                           "/etc/ld.so.conf.d",
                                           "/etc/fonts",
                                           "/etc/locale.alias",
                                           "/etc/localtime",
                                           "/etc/mime.types",
                                           "/etc/ssl/certs",
                                           "/etc/timezone",
                                           "/var/cache/fontconfig",
                                           "/dev/null",
                                           "/dev/urandom",
                                           "/dev/zero",
                                           NULL};

/**
 * FerrySandbox:
 *
 * What a worker may do to the system that it runs on: a description, given to the launcher
 * ([method@Ferry.Launcher.set_sandbox]).
 *
 * A new one grants nothing. The worker has what it was executed with (its program and libraries, and its link with the
 * application) and from its first instruction of `main()` on it opens no file, makes no socket, starts no program or
 * process, and touches no other process. So files reach it as descriptors that the application opened, or as messages;
 * what it needs beside that is granted by path. Messages, buffers, tasks, cancelling and the rest of the link work as
 * they do without a sandbox. Standard streams are not shared with the application unless its launcher says so
 * ([method@Ferry.Launcher.inherit_stream]).
 *
 * What comes later than the first instruction counts: a library that is loaded when it is needed, a locale, a time zone
 * are files that are opened. [method@Ferry.Sandbox.add_system_paths] grants reading them.
 *
 * A sandbox is made of layers ([flags@Ferry.SandboxStrength]), not all of which every system has. By default a worker
 * runs with all that there are, and does not run at all where limits, no new privileges, Landlock or the filter of
 * system calls are missing. [func@Ferry.Sandbox.get_strength] tells what there is before anything is launched.
 *
 * The worker must be a program that is linked with Ferry. Another one, which never attaches, has the limits and what
 * namespaces refuse, and nothing else; where more is required it is ended at the launcher's time limit.
 *
 * A sandbox belongs to one thread, the router's.
 *
 * Since: 0.1
 */
struct _FerrySandbox
{
  GObject parent_instance;

  FerryHome *home; /* (owned) (nullable): as that of the launcher */
  FerrySandboxPolicy policy;
  guint32 layers;
  guint32 required_layers;
  gboolean network;
  GPtrArray *read_only; /* (owned) (element-type filename): absolute */
  GPtrArray *writable;  /* (owned) (element-type filename): absolute */
  guint64 memory_limit; /* 0: none, as of the others */
  guint64 cpu_limit;
  guint64 descriptor_limit;
};

G_DEFINE_FINAL_TYPE (FerrySandbox, ferry_sandbox, G_TYPE_OBJECT)

static void
ferry_sandbox_finalize (GObject *object)
{
  FerrySandbox *self = FERRY_SANDBOX (object);

  g_ptr_array_unref (self->read_only);
  g_ptr_array_unref (self->writable);
  g_clear_pointer (&self->home, ferry_home_unref);

  G_OBJECT_CLASS (ferry_sandbox_parent_class)->finalize (object);
}

static void
ferry_sandbox_class_init (FerrySandboxClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_sandbox_finalize;
}

static void
ferry_sandbox_init (FerrySandbox *self)
{
  self->policy = FERRY_SANDBOX_POLICY_REQUIRED;
  self->layers = ALL_LAYERS;
  self->required_layers = USUALLY_REQUIRED;
  self->descriptor_limit = USUAL_DESCRIPTORS;
  self->read_only = g_ptr_array_new_with_free_func (g_free);
  self->writable = g_ptr_array_new_with_free_func (g_free);
}

void
ferry_sandbox_bind (FerrySandbox *self, FerryHome *home)
{
  if (self->home == NULL)
    self->home = ferry_home_ref (home);
}

/**
 * ferry_sandbox_new:
 *
 * Makes a sandbox that grants nothing, limits nothing but descriptors, to 256, and is required. Any thread.
 *
 * Returns: (transfer full): a new sandbox
 *
 * Since: 0.1
 */
FerrySandbox *
ferry_sandbox_new (void)
{
  return g_object_new (FERRY_TYPE_SANDBOX, NULL);
}

/* ---- the description ---- */

/**
 * ferry_sandbox_set_policy:
 * @self: a sandbox
 * @policy: what happens where the system cannot give it
 *
 * Sets what happens where the system cannot give the sandbox. With %FERRY_SANDBOX_POLICY_REQUIRED, the default,
 * [method@Ferry.Launcher.spawn] fails with %FERRY_ERROR_LAUNCH_FAILED and names what is missing; a worker that turns
 * out to lack it ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED, before it was given anything. On the router's thread,
 * once the sandbox was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_policy (FerrySandbox *self, FerrySandboxPolicy policy)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  g_return_if_fail (policy <= FERRY_SANDBOX_POLICY_OFF);
  ferry_return_if_elsewhere (self->home);

  self->policy = policy;
}

/**
 * ferry_sandbox_get_policy:
 * @self: a sandbox
 *
 * What happens where the system cannot give the sandbox. On the router's thread, once the sandbox was used with a
 * router; before that on any, one at a time.
 *
 * Returns: the policy
 *
 * Since: 0.1
 */
FerrySandboxPolicy
ferry_sandbox_get_policy (FerrySandbox *self)
{
  g_return_val_if_fail (FERRY_IS_SANDBOX (self), FERRY_SANDBOX_POLICY_OFF);
  ferry_return_val_if_elsewhere (self->home, FERRY_SANDBOX_POLICY_OFF);

  return self->policy;
}

/**
 * ferry_sandbox_set_layers:
 * @self: a sandbox
 * @layers: the layers to use
 *
 * Sets which layers are used, where the system has them; all of them by default. Leaving one out serves a worker that
 * it does not suit, such as one that needs to be started without bubblewrap's milliseconds. On the router's thread,
 * once the sandbox was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_layers (FerrySandbox *self, FerrySandboxStrength layers)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->layers = (guint32) layers & ALL_LAYERS;
}

/**
 * ferry_sandbox_set_required_layers:
 * @self: a sandbox
 * @layers: the layers without which no worker runs
 *
 * Sets what %FERRY_SANDBOX_POLICY_REQUIRED requires: limits, no new privileges, Landlock and the filter of system calls
 * by default. On the router's thread, once the sandbox was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_required_layers (FerrySandbox *self, FerrySandboxStrength layers)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->required_layers = (guint32) layers & ALL_LAYERS;
}

/**
 * ferry_sandbox_set_network:
 * @self: a sandbox
 * @network: whether the worker may use the network
 *
 * Sets whether the worker may use the internet's protocols; by default it may not. Sockets of the system itself, such
 * as the session bus and the display, are refused either way.
 *
 * A program that looks up names needs to read `/etc/resolv.conf`, `/etc/hosts` and `/etc/nsswitch.conf` as well
 * ([method@Ferry.Sandbox.add_read_only_path]). On the router's thread, once the sandbox was used with a router; before
 * that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_network (FerrySandbox *self, gboolean network)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->network = network;
}

/**
 * ferry_sandbox_add_read_only_path:
 * @self: a sandbox
 * @path: (type filename): a file, or a folder with all that is in it
 *
 * Lets the worker read a file or folder. A path that does not exist when the worker starts grants nothing. To hand over
 * a single file, open it and give the worker the descriptor: then nobody has to think of paths. On the router's thread,
 * once the sandbox was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_add_read_only_path (FerrySandbox *self, const char *path)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  g_return_if_fail (path != NULL && path[0] != '\0');
  ferry_return_if_elsewhere (self->home);

  g_ptr_array_add (self->read_only, g_canonicalize_filename (path, NULL));
}

/**
 * ferry_sandbox_add_writable_path:
 * @self: a sandbox
 * @path: (type filename): a file, or a folder with all that is in it
 *
 * Lets the worker read and write a file, or read, write, make and remove files and folders in a folder. A path that
 * does not exist when the worker starts grants nothing. Symbolic links, named pipes and devices are not made there:
 * who opens what a worker has left would follow the one, and wait for the other.
 *
 * The rights and times of files are nothing that Landlock looks at, and a worker with a writable path may change them:
 * of any file of the user's that it has a descriptor of and, where there are no namespaces, that it can name. It may
 * also lock files that it can open. On the router's thread, once the sandbox was used with a router; before that on
 * any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_add_writable_path (FerrySandbox *self, const char *path)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  g_return_if_fail (path != NULL && path[0] != '\0');
  ferry_return_if_elsewhere (self->home);

  g_ptr_array_add (self->writable, g_canonicalize_filename (path, NULL));
}

/**
 * ferry_sandbox_add_system_paths:
 * @self: a sandbox
 *
 * Lets the worker read what programs usually open after their start: libraries and modules, locales, fonts, the time
 * zone, certificates of authorities. Nothing of it is the user's own. On the router's thread, once the sandbox was used
 * with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_add_system_paths (FerrySandbox *self)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  for (guint i = 0; system_paths[i] != NULL; i++)
    ferry_sandbox_add_read_only_path (self, system_paths[i]);
}

/**
 * ferry_sandbox_set_memory_limit:
 * @self: a sandbox
 * @bytes: how many bytes; 0 for no limit
 *
 * Limits the memory that is the worker's own: an allocation beyond it fails, and most programs then end. Stacks of
 * threads count in full; programs and libraries, files that are mapped for reading, and the link's memory do not, which
 * has a limit of its own ([method@Ferry.Launcher.set_buffer_capacity]). Memory that could be got past the limit, being
 * shared, is refused, and with it buffers that are handed over (%FERRY_PIPE_ONE_SHOT_BUFFERS).
 *
 * What counts is memory that can be written to. A worker that was turned can make some unwritable while it has no use
 * for it; so what it has mapped is limited, too: to the limit and 512 MiB beside the buffers and what is mapped before
 * `main()`. That is also as much as it can map of files. Before Linux 6.10, and before it has asked for a sender, the
 * buffers' addresses can be used for that as well. On the router's thread, once the sandbox was used with a router;
 * before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_memory_limit (FerrySandbox *self, guint64 bytes)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->memory_limit = bytes;
}

/**
 * ferry_sandbox_set_cpu_limit:
 * @self: a sandbox
 * @seconds: how many seconds; 0 for no limit
 *
 * Limits the processor time of the worker, from its start to its end, as %FERRY_LIMIT_CPU_TIME does. Where the launcher
 * has that limit too, the lower one counts. On the router's thread, once the sandbox was used with a router; before
 * that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_cpu_limit (FerrySandbox *self, guint64 seconds)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->cpu_limit = seconds;
}

/**
 * ferry_sandbox_set_descriptor_limit:
 * @self: a sandbox
 * @descriptors: one more than the highest number of a descriptor; 0 for no limit
 *
 * Limits the descriptors of the worker, as %FERRY_LIMIT_OPEN_FILES does. Where the launcher has that limit too, the
 * lower one counts. Unless this is called, it is 256: what lies in sockets and pipes counts against no limit of memory.
 * On the router's thread, once the sandbox was used with a router; before that on any, one at a time.
 *
 * Since: 0.1
 */
void
ferry_sandbox_set_descriptor_limit (FerrySandbox *self, guint64 descriptors)
{
  g_return_if_fail (FERRY_IS_SANDBOX (self));
  ferry_return_if_elsewhere (self->home);

  self->descriptor_limit = descriptors;
}

/* ---- launching ----
 *
 * What a launcher makes of its sandbox: limits of the process that is started, the program that starts it in
 * namespaces, a variable that tells the worker of the rest, and what its link waits for. */

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

/* ---- what this system can give to a sandbox ---- */

G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LIMITS == FERRY_LAYER_LIMITS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES == FERRY_LAYER_NO_NEW_PRIVILEGES);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK == FERRY_LAYER_LANDLOCK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK == FERRY_LAYER_LANDLOCK_NETWORK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE == FERRY_LAYER_LANDLOCK_SCOPE);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS == FERRY_LAYER_SYSTEM_CALLS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NAMESPACES == FERRY_LAYER_NAMESPACES);

/**
 * ferry_sandbox_get_strength:
 *
 * Tells which layers of a sandbox this system can give: what the kernel and this build of the library have, and whether
 * bubblewrap can start a process here. That one is tried by the first call, which takes some milliseconds for it, and a
 * second at the most; the answer is kept as long as the program runs. A launcher with a sandbox makes the first call
 * where nobody has. Any thread may call this.
 *
 * What a worker has in fact tells [method@Ferry.Worker.get_sandbox_strength].
 *
 * Returns: the layers
 *
 * Since: 0.1
 */
FerrySandboxStrength
ferry_sandbox_get_strength (void)
{
  guint32 layers = FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | ferry_landlock_get_layers ();

  if (ferry_call_filter_is_possible ())
    layers |= FERRY_LAYER_SYSTEM_CALLS;
  if (ferry_bubblewrap_works ())
    layers |= FERRY_LAYER_NAMESPACES;
  return (FerrySandboxStrength) layers;
}

static void
get_strength_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_int (task, (gssize) ferry_sandbox_get_strength ());
}

/**
 * ferry_sandbox_get_strength_async:
 * @cancellable: (nullable): to give up waiting
 * @callback: (scope async) (nullable): called when it is known
 * @user_data: data for @callback
 *
 * As [func@Ferry.Sandbox.get_strength], without anybody waiting. Called early, it spares the first launch the trial.
 * Any thread.
 *
 * Since: 0.1
 */
void
ferry_sandbox_get_strength_async (GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable));

  task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_source_tag (task, ferry_sandbox_get_strength_async);
  g_task_set_return_on_cancel (task, TRUE);
  g_task_run_in_thread (task, get_strength_in_thread);
}

/**
 * ferry_sandbox_get_strength_finish:
 * @result: what the callback was given
 * @error: return location for an error
 *
 * Ends [func@Ferry.Sandbox.get_strength_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: the layers, or %FERRY_SANDBOX_STRENGTH_NONE with @error set
 *
 * Since: 0.1
 */
FerrySandboxStrength
ferry_sandbox_get_strength_finish (GAsyncResult *result, GError **error)
{
  gssize layers;

  g_return_val_if_fail (g_task_is_valid (result, NULL), FERRY_SANDBOX_STRENGTH_NONE);
  g_return_val_if_fail (g_async_result_is_tagged (result, ferry_sandbox_get_strength_async),
                        FERRY_SANDBOX_STRENGTH_NONE);
  g_return_val_if_fail (error == NULL || *error == NULL, FERRY_SANDBOX_STRENGTH_NONE);

  layers = g_task_propagate_int (G_TASK (result), error);
  return layers < 0 ? FERRY_SANDBOX_STRENGTH_NONE : (FerrySandboxStrength) layers;
}

/**
 * ferry_sandbox_describe_strength:
 * @strength: layers
 *
 * Names layers, for messages to people. Any thread may call this.
 *
 * Returns: (transfer full): their names, such as “limits, no new privileges, Landlock”; “nothing” where there are none
 *
 * Since: 0.1
 */
char *
ferry_sandbox_describe_strength (FerrySandboxStrength strength)
{
  return strength != 0 ? ferry_confinement_name_layers ((guint32) strength) : g_strdup ("nothing");
}
