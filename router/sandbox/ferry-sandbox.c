/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "sandbox/ferry-sandbox-private.h"

#include "base/ferry-base-private.h"

#define USUAL_DESCRIPTORS 256

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
