/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A sandbox: its description by the application, its use by a launcher, and the layers that this system has.
 *
 * Threads: the router's thread; any thread for the layers of this system. */

#include "config.h"

#include "process/ferry-sandbox-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-property-private.h"
#include "ferry-enums.h"
#include "process/ferry-attributes-private.h"
#include "process/ferry-sandbox-message-private.h"

#define USUAL_DESCRIPTORS 256
#define ADDRESS_ROOM (G_GUINT64_CONSTANT (512) << 20)

#define ALL_LAYERS                                                                                                     \
  (FERRY_LAYERS_OF_WORKER | FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | FERRY_LAYER_NAMESPACES)
#define USUALLY_REQUIRED                                                                                               \
  (FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | FERRY_LAYER_LANDLOCK | FERRY_LAYER_SYSTEM_CALLS)

/* Files that programs open after their start. */
static const char *const system_paths[] = {
  /* Libraries, modules, and their data files. */
  "/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc/ld.so.cache", "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  /* Fonts, locales, the time zone, types of files, and certificates. */
  "/etc/fonts", "/var/cache/fontconfig", "/etc/locale.alias", "/etc/localtime", "/etc/timezone", "/etc/mime.types",
  "/etc/ssl/certs",
  /* Devices. */
  "/dev/null", "/dev/urandom", "/dev/zero", NULL};

/* In Flatpak, /usr is the runtime's, and the application has its own. Elsewhere /app is anything. */
static const char *const flatpak_paths[] = {"/app", "/run/host/fonts", NULL};

/**
 * FerrySandbox:
 *
 * Restricts what the workers of a launcher may do to the system ([property@Ferry.Launcher:sandbox]).
 *
 * A new sandbox grants nothing. The worker has its program, its libraries and its link. From the beginning of `main()`
 * on it cannot open files, make sockets, start programs or processes, or affect other processes. The application can
 * send it the contents of files in messages, or the descriptors of files that the application has opened, or can grant
 * paths. Messages, buffers, tasks and cancelling work as they do without a sandbox. The worker shares standard streams
 * with the application only by %FERRY_STREAM_MODE_INHERIT.
 *
 * The sandbox also applies to system files that a program opens after its start, such as plug-ins, locales and the time
 * zone. The property [property@Ferry.Sandbox:system-paths] lets the worker read them.
 *
 * A descriptor that the application sends works as it was opened. With the filter of system calls, the worker cannot
 * lock the file or change its flags (`F_SETFL` fails with `EPERM`), and ioctl() only asks for its type and its amount
 * of data, and sets whether it waits (`FIONBIO`). All ends of a pipe or socket that were copied from one wait or do not
 * wait together, so close the application's copy of what was sent. The filter also refuses what others would lack:
 * asynchronous reads, watches of files, keys, memory locked beyond `RLIMIT_MEMLOCK`, and sync(). In namespaces a worker
 * has up to 512 threads, and without them any number.
 *
 * A sandbox has layers ([flags@Ferry.SandboxStrength]), and a system may lack some of them. By default a worker runs
 * with all layers that the system has. It does not run when one of these is missing: limits, no new privileges,
 * Landlock, or the filter of system calls. The function [func@Ferry.Sandbox.get_strength] gets the layers of the system
 * before any launch.
 *
 * The worker's program must be linked with Ferry. Any other program gets only the limits, no new privileges and the
 * namespaces. When more layers are required, it is killed after the launcher's time limit for attaching.
 *
 * A sandbox belongs to one thread. Before its first use with a router, that is any thread, one at a time. From its
 * first use with a router on, it is the router's thread. This thread is called the sandbox's thread.
 */
struct _FerrySandbox
{
  GObject parent_instance;

  FerryAffinity *affinity; /* (owned) (nullable): the launcher's affinity */
  FerrySandboxPolicy policy;
  guint32 layers;
  guint32 required_layers;
  gboolean network;
  char **read_only;     /* (owned): absolute paths */
  char **writable;      /* (owned): absolute paths */
  gboolean system;      /* grants the system's paths too */
  guint64 memory_limit; /* 0: no limit; the same for the next two */
  guint64 cpu_limit;
  guint64 descriptor_limit;
};

enum
{
  PROP_POLICY = 1,
  PROP_LAYERS,
  PROP_REQUIRED_LAYERS,
  PROP_NETWORK,
  PROP_READ_ONLY_PATHS,
  PROP_WRITABLE_PATHS,
  PROP_SYSTEM_PATHS,
  PROP_MEMORY_LIMIT,
  PROP_CPU_LIMIT,
  PROP_DESCRIPTOR_LIMIT,
  N_PROPERTIES,
};

static GParamSpec *properties[N_PROPERTIES];

G_DEFINE_FINAL_TYPE (FerrySandbox, ferry_sandbox, G_TYPE_OBJECT)

static void
ferry_sandbox_finalize (GObject *object)
{
  FerrySandbox *self = FERRY_SANDBOX (object);

  g_strfreev (self->read_only);
  g_strfreev (self->writable);
  g_clear_pointer (&self->affinity, ferry_affinity_unref);

  G_OBJECT_CLASS (ferry_sandbox_parent_class)->finalize (object);
}

/* ---- the description ---- */

static const gsize fields[N_PROPERTIES] = {
  [PROP_POLICY] = G_STRUCT_OFFSET (FerrySandbox, policy),
  [PROP_LAYERS] = G_STRUCT_OFFSET (FerrySandbox, layers),
  [PROP_REQUIRED_LAYERS] = G_STRUCT_OFFSET (FerrySandbox, required_layers),
  [PROP_NETWORK] = G_STRUCT_OFFSET (FerrySandbox, network),
  [PROP_READ_ONLY_PATHS] = G_STRUCT_OFFSET (FerrySandbox, read_only),
  [PROP_WRITABLE_PATHS] = G_STRUCT_OFFSET (FerrySandbox, writable),
  [PROP_SYSTEM_PATHS] = G_STRUCT_OFFSET (FerrySandbox, system),
  [PROP_MEMORY_LIMIT] = G_STRUCT_OFFSET (FerrySandbox, memory_limit),
  [PROP_CPU_LIMIT] = G_STRUCT_OFFSET (FerrySandbox, cpu_limit),
  [PROP_DESCRIPTOR_LIMIT] = G_STRUCT_OFFSET (FerrySandbox, descriptor_limit),
};

/* Sets absolute to the paths. Returns FALSE if one of them is empty. */
static gboolean
make_absolute (const GValue *value, GValue *absolute, const char *property)
{
  char **paths = g_value_get_boxed (value);
  guint n = paths != NULL ? g_strv_length (paths) : 0;
  g_auto (GStrv) made = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    {
      if (paths[i][0] == '\0')
        {
          ferry_critical ("FerrySandbox:%s: a path is empty; grant '.' to mean the working directory", property);
          return FALSE;
        }
      made[i] = g_canonicalize_filename (paths[i], NULL);
    }
  g_value_init (absolute, G_TYPE_STRV);
  g_value_take_boxed (absolute, g_steal_pointer (&made));
  return TRUE;
}

static void
ferry_sandbox_set_property (GObject *object, guint property_id, const GValue *value, GParamSpec *pspec)
{
  FerrySandbox *self = FERRY_SANDBOX (object);
  g_auto (GValue) absolute = G_VALUE_INIT;

  if (!ferry_affinity_check_property (self->affinity, pspec))
    return;
  if (G_VALUE_HOLDS (value, G_TYPE_STRV))
    {
      if (!make_absolute (value, &absolute, pspec->name))
        return;
      value = &absolute;
    }
  ferry_property_change (self, G_STRUCT_MEMBER_P (self, fields[property_id]), value, pspec);
}

static void
ferry_sandbox_get_property (GObject *object, guint property_id, GValue *value, GParamSpec *pspec)
{
  FerrySandbox *self = FERRY_SANDBOX (object);

  if (ferry_affinity_check_property (self->affinity, pspec))
    ferry_property_read (G_STRUCT_MEMBER_P (self, fields[property_id]), value);
}

static void
install_layer_properties (void)
{
  /**
   * FerrySandbox:policy:
   *
   * What happens on a system that lacks layers. With %FERRY_SANDBOX_POLICY_REQUIRED, the default,
   * [method@Ferry.Launcher.spawn] fails with %FERRY_ERROR_LAUNCH_FAILED and the error names the missing layers. A
   * worker that fails to enter a required layer ends with %FERRY_CLOSE_REASON_LAUNCH_FAILED, before the application
   * sends it anything. On the sandbox's thread, as all properties.
   */
  properties[PROP_POLICY] =
    g_param_spec_enum ("policy", NULL, NULL, FERRY_TYPE_SANDBOX_POLICY, FERRY_SANDBOX_POLICY_REQUIRED, FERRY_SETTABLE);

  /**
   * FerrySandbox:layers:
   *
   * Which layers are used, if the system has them; the default is all layers. Omitting a layer can help: without
   * %FERRY_SANDBOX_STRENGTH_NAMESPACES, a worker starts some milliseconds sooner.
   */
  properties[PROP_LAYERS] =
    g_param_spec_flags ("layers", NULL, NULL, FERRY_TYPE_SANDBOX_STRENGTH, ALL_LAYERS, FERRY_SETTABLE);

  /**
   * FerrySandbox:required-layers:
   *
   * The layers without which no worker runs, where the policy is %FERRY_SANDBOX_POLICY_REQUIRED. The default is limits,
   * no new privileges, Landlock, and the filter of system calls.
   */
  properties[PROP_REQUIRED_LAYERS] =
    g_param_spec_flags ("required-layers", NULL, NULL, FERRY_TYPE_SANDBOX_STRENGTH, USUALLY_REQUIRED, FERRY_SETTABLE);
}

static void
install_grant_properties (void)
{
  /**
   * FerrySandbox:network:
   *
   * Whether the worker may use the internet's protocols. The default is that it may not. Connections to local sockets,
   * such as the sockets of the session bus and the display, are always refused.
   *
   * A program that looks up host names must also be able to read `/etc/resolv.conf`, `/etc/hosts` and
   * `/etc/nsswitch.conf` ([property@Ferry.Sandbox:read-only-paths]).
   *
   * Sockets of GLib set `O_NONBLOCK` by `F_SETFL`, so that is allowed then, if no other flag is set. The same call
   * removes `O_APPEND`: such a worker can write anywhere in a file that was opened for appending.
   */
  properties[PROP_NETWORK] = g_param_spec_boolean ("network", NULL, NULL, FALSE, FERRY_SETTABLE);

  /**
   * FerrySandbox:read-only-paths:
   *
   * What the worker may read: files, and folders with all that is in them. None by default. A path that does not exist
   * when the worker starts grants nothing; one that is not absolute is made so when it is set. For a single file, it is
   * simpler if the application opens it and sends its descriptor to the worker.
   */
  properties[PROP_READ_ONLY_PATHS] = g_param_spec_boxed ("read-only-paths", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerrySandbox:writable-paths:
   *
   * What the worker may read and write: files, and folders in which it may also make and remove files and folders. None
   * by default; otherwise as [property@Ferry.Sandbox:read-only-paths]. The worker can make no symbolic links, named
   * pipes and devices there. An application that opens the worker's files would follow a link to another place, or
   * block on a pipe.
   *
   * Landlock does not restrict changes of the permissions and times of files. A worker with a writable path can make
   * such changes to any file of the user of which it has a descriptor. Without namespaces, it can make them to any file
   * of the user by its path. It can also lock files that it can open.
   */
  properties[PROP_WRITABLE_PATHS] = g_param_spec_boxed ("writable-paths", NULL, NULL, G_TYPE_STRV, FERRY_SETTABLE);

  /**
   * FerrySandbox:system-paths:
   *
   * Whether the worker may read the system's files that programs often open after their start. These are libraries and
   * modules, locales, fonts, the time zone, and the certificates of certificate authorities. In a Flatpak, the
   * application's own files are among them. %FALSE by default.
   */
  properties[PROP_SYSTEM_PATHS] = g_param_spec_boolean ("system-paths", NULL, NULL, FALSE, FERRY_SETTABLE);
}

static void
install_limit_properties (void)
{
  /**
   * FerrySandbox:memory-limit:
   *
   * The private memory that the worker may have, in bytes; 0, the default, for no limit. An allocation beyond the limit
   * fails, and most programs then end. The stacks of threads count in full. Programs, libraries and files that are
   * mapped for reading do not count. The memory of the link does not count either; it has its own limit
   * ([property@Ferry.Launcher:buffer-capacity]). Since the system would not count shared memory, the worker may not
   * make shared memory.
   *
   * Only writable memory counts, and a hostile worker can make some of its memory read-only for a time. So the worker's
   * address space has a limit too: this one plus 512 MiB, plus the link's memory, plus the memory that is mapped before
   * `main()`. Mapped files count against this limit. On a system before Linux 6.10, or before it has asked for a
   * sender, a worker can also use the buffers' addresses for other memory.
   */
  properties[PROP_MEMORY_LIMIT] = g_param_spec_uint64 ("memory-limit", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_SETTABLE);

  /**
   * FerrySandbox:cpu-limit:
   *
   * The processor time that the worker may use from its start to its end, in seconds, as %FERRY_LIMIT_CPU_TIME has it;
   * 0, the default, for no limit. If the launcher sets %FERRY_LIMIT_CPU_TIME too, the lower limit counts.
   */
  properties[PROP_CPU_LIMIT] = g_param_spec_uint64 ("cpu-limit", NULL, NULL, 0, G_MAXUINT64, 0, FERRY_SETTABLE);

  /**
   * FerrySandbox:descriptor-limit:
   *
   * The number of descriptors that the worker may have (the highest descriptor plus one), as %FERRY_LIMIT_OPEN_FILES
   * has it; 0 for no limit. If the launcher sets %FERRY_LIMIT_OPEN_FILES too, the lower limit counts. The default is
   * 256, since data in sockets and pipes does not count against the limits of memory.
   */
  properties[PROP_DESCRIPTOR_LIMIT] =
    g_param_spec_uint64 ("descriptor-limit", NULL, NULL, 0, G_MAXUINT64, USUAL_DESCRIPTORS, FERRY_SETTABLE);
}

static void
ferry_sandbox_class_init (FerrySandboxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = ferry_sandbox_finalize;
  object_class->get_property = ferry_sandbox_get_property;
  object_class->set_property = ferry_sandbox_set_property;
  install_layer_properties ();
  install_grant_properties ();
  install_limit_properties ();
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
ferry_sandbox_init (FerrySandbox *self)
{
  self->policy = FERRY_SANDBOX_POLICY_REQUIRED;
  self->layers = ALL_LAYERS;
  self->required_layers = USUALLY_REQUIRED;
  self->descriptor_limit = USUAL_DESCRIPTORS;
  self->read_only = g_new0 (char *, 1);
  self->writable = g_new0 (char *, 1);
}

void
ferry_sandbox_bind (FerrySandbox *self, FerryAffinity *affinity)
{
  if (self->affinity == NULL)
    self->affinity = ferry_affinity_ref (affinity);
}

/**
 * ferry_sandbox_new:
 *
 * Makes a sandbox that grants nothing. Its policy is %FERRY_SANDBOX_POLICY_REQUIRED. It limits the number of
 * descriptors to 256, and sets no other limit. Any thread.
 *
 * Returns: (transfer full): a new sandbox
 */
FerrySandbox *
ferry_sandbox_new (void)
{
  return g_object_new (FERRY_TYPE_SANDBOX, NULL);
}

/* ---- launching ---- */

gboolean
ferry_sandbox_is_on (FerrySandbox *self)
{
  return self != NULL && self->policy != FERRY_SANDBOX_POLICY_OFF;
}

static guint32
get_required (FerrySandbox *self)
{
  return self->policy == FERRY_SANDBOX_POLICY_REQUIRED ? self->required_layers : 0;
}

static gboolean
is_in_flatpak (void)
{
  return g_file_test ("/.flatpak-info", G_FILE_TEST_EXISTS);
}

/* Returns why layers are missing, where the way in which the application was installed decides that. */
static const char *
explain_missing (guint32 missing)
{
  if ((missing & FERRY_LAYER_NAMESPACES) != 0 && is_in_flatpak ())
    return ", which Flatpak denies to applications";
  return "";
}

static gboolean
check_possible (FerrySandbox *self, guint32 possible, const char *name, GError **error)
{
  guint32 missing = get_required (self) & ~(possible & self->layers);
  g_autofree char *names = ferry_confinement_name_layers (missing);

  if (missing == 0)
    return TRUE;
  if ((missing & possible) != 0)
    return ferry_set_error (
      error, FERRY_ERROR_LAUNCH_FAILED,
      "The sandbox of worker '%s' requires layers that it does not use (%s); add them with FerrySandbox:layers", name,
      names);
  return ferry_set_error (
    error, FERRY_ERROR_LAUNCH_FAILED,
    "This system cannot give worker '%s' the sandbox that it requires: it lacks %s%s; set the policy "
    "FERRY_SANDBOX_POLICY_PREFERRED, or use a system that has these layers",
    name, names, explain_missing (missing));
}

/* Sets a limit of the worker to the lowest of value, the launcher's limit and the application's own limit. */
static void
lower_limit (FerryAttributes *attributes, FerryLimit limit, guint64 value)
{
  value = MIN (value, ferry_attributes_get_own_limit (limit));
  if ((attributes->limits_set & (1u << limit)) != 0)
    value = MIN (value, attributes->limits[limit]);
  attributes->limits_set |= 1u << limit;
  attributes->limits[limit] = value;
}

/* Core dumps get a limit of 1 byte. Any dump is larger, and only this value also keeps the kernel from piping a dump
 * into a program. */
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

/* Returns the limit of the worker's address space in bytes, or 0 for no limit. Besides its private memory a worker
 * maps the link's memory, with each ring mapped twice. ADDRESS_ROOM is for programs, libraries, files, and reserved
 * addresses. */
static guint64
get_address_space (FerrySandbox *self, const FerryLink *link)
{
  if (self->memory_limit == 0 || (self->layers & FERRY_LAYER_LIMITS) == 0)
    return 0;
  return MIN (self->memory_limit, G_MAXINT64 / 2) + link->segment.size + (link->arena != NULL ? link->arena->size : 0) +
         link->segment.up_capacity + FERRY_DOWN_CAPACITY + ADDRESS_ROOM;
}

/* (transfer container) (element-type filename): returns the paths that a plan has. */
static GPtrArray *
list_paths (char **paths, gboolean with_system)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; paths[i] != NULL; i++)
    g_ptr_array_add (list, paths[i]);
  for (guint i = 0; with_system && system_paths[i] != NULL; i++)
    g_ptr_array_add (list, (gpointer) system_paths[i]);
  for (guint i = 0; with_system && is_in_flatpak () && flatpak_paths[i] != NULL; i++)
    g_ptr_array_add (list, (gpointer) flatpak_paths[i]);
  return list;
}

gboolean
ferry_sandbox_apply (FerrySandbox *self, FerrySpawnPlan *plan, FerryLink *link, GError **error)
{
  FerryConfinement *confinement = &link->confinement;
  guint32 possible = (guint32) ferry_sandbox_get_strength ();
  g_autoptr (GPtrArray) read_only = list_paths (self->read_only, self->system);
  g_autoptr (GPtrArray) writable = list_paths (self->writable, FALSE);
  const FerrySandboxMessage sandbox = {
    .layers = self->layers & possible,
    .required = get_required (self),
    .network = self->network,
    .address_space = get_address_space (self, link),
    .read_only = read_only,
    .writable = writable,
  };
  g_autofree char *text = NULL;

  if (!check_possible (self, possible, link->name, error))
    return FALSE;
  text = ferry_sandbox_message_to_text (&sandbox);
  plan->environ = g_environ_setenv (plan->environ, FERRY_SANDBOX_VARIABLE, text, TRUE);
  if ((sandbox.layers & FERRY_LAYER_LIMITS) != 0)
    apply_limits (self, &plan->attributes);
  plan->attributes.no_new_privileges |= (sandbox.layers & FERRY_LAYER_NO_NEW_PRIVILEGES) != 0;
  confinement->required = sandbox.required;
  /* The namespaces are added when the worker's credentials show that it runs in them. */
  confinement->given = sandbox.layers & ~(FERRY_LAYERS_OF_WORKER | FERRY_LAYER_NAMESPACES);
  /* A program that cannot be executed is started without bubblewrap: its exit status would hide the error. */
  confinement->wrapped = (sandbox.layers & FERRY_LAYER_NAMESPACES) != 0 && ferry_spawn_can_execute (plan);
  if (confinement->wrapped)
    ferry_bubblewrap_wrap (plan, &sandbox);
  ferry_confinement_begin (link);
  return TRUE;
}

/* ---- the layers that this system has ---- */

G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LIMITS == FERRY_LAYER_LIMITS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NO_NEW_PRIVILEGES == FERRY_LAYER_NO_NEW_PRIVILEGES);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK == FERRY_LAYER_LANDLOCK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_NETWORK == FERRY_LAYER_LANDLOCK_NETWORK);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_LANDLOCK_SCOPE == FERRY_LAYER_LANDLOCK_SCOPE);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_SYSTEM_CALLS == FERRY_LAYER_SYSTEM_CALLS);
G_STATIC_ASSERT ((guint) FERRY_SANDBOX_STRENGTH_NAMESPACES == FERRY_LAYER_NAMESPACES);

static FerrySandboxStrength
get_strength (gboolean has_namespaces)
{
  guint32 layers = FERRY_LAYER_LIMITS | FERRY_LAYER_NO_NEW_PRIVILEGES | ferry_landlock_get_layers ();

  if (ferry_call_filter_is_possible ())
    layers |= FERRY_LAYER_SYSTEM_CALLS;
  if (has_namespaces)
    layers |= FERRY_LAYER_NAMESPACES;
  return (FerrySandboxStrength) layers;
}

FerrySandboxStrength
ferry_sandbox_peek_strength (gboolean *all)
{
  *all = ferry_bubblewrap_is_known ();
  return get_strength (*all && ferry_bubblewrap_works ());
}

/**
 * ferry_sandbox_get_strength:
 *
 * Gets the layers of a sandbox that this system has. They depend on the kernel, on the build of this library, and on
 * bubblewrap. The first use of this function tries to start a process with bubblewrap, which takes some milliseconds.
 * It is given up when it does nothing for ten seconds. Later uses return the same result at once.
 * [property@Ferry.Launcher:sandbox] begins the first use in the background. Any thread may call this.
 *
 * [property@Ferry.Worker:sandbox-strength] has the layers of a worker.
 *
 * Returns: the layers
 */
FerrySandboxStrength
ferry_sandbox_get_strength (void)
{
  return get_strength (ferry_bubblewrap_works ());
}

static void
get_strength_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  g_task_return_int (task, (gssize) ferry_sandbox_get_strength ());
}

/**
 * ferry_sandbox_get_strength_async:
 * @cancellable: (nullable): cancels the wait for the result
 * @callback: (scope async) (nullable): called when the result is available
 * @user_data: data for @callback
 *
 * Gets the layers of a sandbox that this system has, as [func@Ferry.Sandbox.get_strength] does, without blocking. When
 * this is called early, the first launch need not wait for the trial start of bubblewrap. Any thread.
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
 * @result: the result that the callback was given
 * @error: return location for an error
 *
 * Gets the result of [func@Ferry.Sandbox.get_strength_async]. Fails with %G_IO_ERROR_CANCELLED. Any thread.
 *
 * Returns: the layers, or %FERRY_SANDBOX_STRENGTH_NONE with @error set
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
 * Returns the names of layers, for messages to users. Any thread may call this.
 *
 * Returns: (transfer full): the names, such as “limits, no new privileges, Landlock”, or “nothing”
 */
char *
ferry_sandbox_describe_strength (FerrySandboxStrength strength)
{
  return strength != 0 ? ferry_confinement_name_layers ((guint32) strength) : g_strdup ("nothing");
}
