/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "pictures/ferry-demo-thumbnailer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "app/ferry-demo-message.h"
#include "app/ferry-demo-workers.h"

/* The largest picture that is not refused, with opacity, its reduced copy, and room to work in. A worker that
 * AddressSanitizer watches reserves far more than it uses, and has no limit. */
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_LIMIT G_GUINT64_CONSTANT (0)
#else
#define MEMORY_LIMIT (G_GUINT64_CONSTANT (1) << 30)
#endif

/* A picture that takes longer is as good as broken. */
#define DECODE_TIME (30 * G_USEC_PER_SEC)
#define CANCEL_GRACE (G_USEC_PER_SEC / 5)

struct _FerryDemoThumbnailer
{
  GObject parent_instance;

  FerrySandbox *sandbox;
  FerryPool *pool;
  FerryExecutor *executor;
};

G_DEFINE_FINAL_TYPE (FerryDemoThumbnailer, ferry_demo_thumbnailer, G_TYPE_OBJECT)

static void
ferry_demo_thumbnailer_dispose (GObject *object)
{
  FerryDemoThumbnailer *self = FERRY_DEMO_THUMBNAILER (object);

  g_clear_object (&self->executor);
  g_clear_object (&self->pool);
  g_clear_object (&self->sandbox);
  G_OBJECT_CLASS (ferry_demo_thumbnailer_parent_class)->dispose (object);
}

static void
ferry_demo_thumbnailer_class_init (FerryDemoThumbnailerClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_demo_thumbnailer_dispose;
}

static void
ferry_demo_thumbnailer_init (FerryDemoThumbnailer *self)
{
}

/* The system's own files are what decoders are loaded from, and what kinds of files are told by. */
FerrySandbox *
ferry_demo_thumbnailer_create_sandbox (void)
{
  FerrySandbox *sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, "system-paths", TRUE, "memory-limit",
                (guint64) MEMORY_LIMIT, NULL);
  return sandbox;
}

FerryDemoThumbnailer *
ferry_demo_thumbnailer_new (FerryRouter *router, const char *worker_path, guint max_workers)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (worker_path, NULL);
  FerryDemoThumbnailer *self = g_object_new (FERRY_DEMO_TYPE_THUMBNAILER, NULL);

  self->sandbox = ferry_demo_thumbnailer_create_sandbox ();
  g_object_set (launcher, "sandbox", self->sandbox, NULL);
  self->pool = ferry_pool_new (router, launcher);
  g_object_set (self->pool, "name", "pictures", "max-workers", max_workers, NULL);
  self->executor = ferry_executor_new (self->pool);
  return self;
}

gboolean
ferry_demo_thumbnailer_start (FerryDemoThumbnailer *self, GError **error)
{
  return ferry_pool_start (self->pool, error);
}

/* Never waits, whatever has taken the file's place since it was found. */
static int
open_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  struct stat status;

  if (fd >= 0 && fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    return fd;
  if (fd >= 0)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE, _ ("This is not a file any more"));
      g_close (fd, NULL);
    }
  else
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), _ ("The file cannot be opened: %s"),
                   g_strerror (code));
    }
  return -1;
}

/* A picture is not tried again after its worker crashed: the next worker would crash as well. */
FerryTask *
ferry_demo_thumbnailer_make_task (FerryDemoThumbnailer *self, const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  int fd = open_file (path, error);
  gint handle;
  g_autoptr (FerryTask) task = NULL;

  if (fd < 0)
    return NULL;
  task = ferry_task_new (FERRY_TASK_KIND_CALL, FERRY_DEMO_THUMBNAIL,
                         g_variant_new ("(hu)", FERRY_DEMO_THUMBNAIL_HANDLE, FERRY_DEMO_THUMBNAIL_SIDE));
  handle = ferry_task_add_descriptor (task, fd, error);
  g_close (fd, NULL);
  if (handle < 0)
    return NULL;
  g_assert (handle == FERRY_DEMO_THUMBNAIL_HANDLE);
  g_object_set (task, "name", name, NULL);
  ferry_task_set_run_timeout (task, DECODE_TIME);
  ferry_task_set_cancel_grace (task, CANCEL_GRACE);
  return g_steal_pointer (&task);
}

gboolean
ferry_demo_thumbnailer_submit (FerryDemoThumbnailer *self, FerryTask *task, GError **error)
{
  return ferry_executor_submit_task (self->executor, task, error);
}

void
ferry_demo_thumbnailer_end (FerryDemoThumbnailer *self)
{
  ferry_demo_end (self->executor);
}

void
ferry_demo_thumbnailer_cancel_all (FerryDemoThumbnailer *self)
{
  ferry_executor_cancel_all (self->executor);
}

void
ferry_demo_thumbnailer_set_policy (FerryDemoThumbnailer *self, FerrySandboxPolicy policy)
{
  g_object_set (self->sandbox, "policy", policy, NULL);
}

FerryPool *
ferry_demo_thumbnailer_get_pool (FerryDemoThumbnailer *self)
{
  return self->pool;
}

void
ferry_demo_thumbnailer_kill_workers (FerryDemoThumbnailer *self)
{
  GListModel *workers = ferry_pool_get_workers (self->pool);

  for (guint i = 0; i < g_list_model_get_n_items (workers); i++)
    {
      g_autoptr (FerryWorker) worker = g_list_model_get_item (workers, i);

      ferry_worker_force_exit (worker);
    }
}

const char *
ferry_demo_thumbnailer_get_failure (FerryDemoThumbnailer *self)
{
  const GError *error = ferry_pool_get_error (self->pool);

  return error != NULL ? error->message : NULL;
}

void
ferry_demo_thumbnailer_revive (FerryDemoThumbnailer *self)
{
  if (ferry_pool_get_error (self->pool) != NULL)
    ferry_pool_reset (self->pool);
}

/* The worker has read a stranger's file: whatever it says may be the stranger's. */
static gboolean
is_picture (guint width, guint height, guint stride, guint channels, gsize size)
{
  return width >= 1 && width <= FERRY_DEMO_THUMBNAIL_SIDE && height >= 1 && height <= FERRY_DEMO_THUMBNAIL_SIDE &&
         (channels == 3 || channels == 4) && stride >= width * channels && stride <= size &&
         size >= (gsize) stride * (height - 1) + (gsize) width * channels;
}

GdkTexture *
ferry_demo_thumbnailer_make_texture (FerryTask *task)
{
  g_autoptr (GVariant) result = ferry_task_get_result (task, NULL);
  g_autoptr (GVariant) data = NULL;
  g_autoptr (GBytes) pixels = NULL;
  guint width, height, stride, channels;

  if (result == NULL || !g_variant_is_of_type (result, G_VARIANT_TYPE (FERRY_DEMO_THUMBNAIL_RESULT)))
    return NULL;
  g_variant_get (result, "(uuuu@ay)", &width, &height, &stride, &channels, &data);
  pixels = g_variant_get_data_as_bytes (data);
  if (!is_picture (width, height, stride, channels, g_bytes_get_size (pixels)))
    return NULL;
  return gdk_memory_texture_new ((int) width, (int) height, channels == 3 ? GDK_MEMORY_R8G8B8 : GDK_MEMORY_R8G8B8A8,
                                 pixels, stride);
}
