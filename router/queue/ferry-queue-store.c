/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The thread that a queue's file is used on.
 *
 * What it is asked for is done in order, and each answer comes on the queue's thread, by a turn of its main context.
 *
 * Owner:   counted references: the queue's, and the thread's own.
 * Threads: the queue's. */

#include "config.h"

#include "queue/ferry-queue-store-private.h"

#include "base/ferry-base-private.h"
#include "base/ferry-mailbox-private.h"
#include "base/ferry-thread-private.h"

/* How long nothing has to be written until the file is put in order, in microseconds. */
#define REST_TIME (2 * G_USEC_PER_SEC)

typedef enum
{
  JOB_OPEN,
  JOB_WRITE,
  JOB_RENEW,
  JOB_LOAD,
  JOB_BACK_UP,
  JOB_END_BACK_UP,
  JOB_CLOSE,
} JobKind;

/* A job, and then the answer to it. */
typedef struct
{
  JobKind kind;
  FerryQueueStore *store; /* (owned) */
  GObject *owner;         /* (owned) (nullable): NULL: no answer is wanted */
  GPtrArray *changes;     /* (owned) (nullable) */
  FerryQueueValue *value; /* (owned) (nullable) */
  GBytes *bytes;          /* (owned) (nullable) */
  FerryQueueCopy *copy;   /* (unowned) (nullable) */
  gboolean is_orderly;
  gboolean goes_on;           /* it is done once more, behind what waits */
  FerryQueueContent *content; /* (owned) (nullable) */
  GError *error;              /* (owned) (nullable) */
} Job;

struct _FerryQueueStore
{
  gatomicrefcount references;
  char *path;                        /* const */
  GMainContext *context;             /* const (owned) */
  const FerryQueueStoreFuncs *funcs; /* const */
  GObject *owner;                    /* const (unowned): the queue's thread only */
  GAsyncQueue *jobs;                 /* (owned) (element-type Job) */
  FerryQueueFile *file;              /* (owned) (nullable): its thread only */
};

static void
store_unref (FerryQueueStore *self)
{
  if (!g_atomic_ref_count_dec (&self->references))
    return;
  g_async_queue_unref (self->jobs);
  g_main_context_unref (self->context);
  g_free (self->path);
  g_free (self);
}

static Job *
job_new (FerryQueueStore *store, JobKind kind, gboolean wants_answer)
{
  Job *self = g_new0 (Job, 1);

  g_atomic_ref_count_inc (&store->references);
  self->kind = kind;
  self->store = store;
  self->owner = wants_answer ? g_object_ref (store->owner) : NULL;
  return self;
}

/* On the queue's thread, where the owner may end. */
static void
job_free (gpointer data)
{
  Job *self = data;

  g_clear_pointer (&self->changes, g_ptr_array_unref);
  g_clear_pointer (&self->value, ferry_queue_value_unref);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->content, ferry_queue_content_free);
  g_clear_error (&self->error);
  g_clear_object (&self->owner);
  store_unref (self->store);
  g_free (self);
}

/* ---- its thread ---- */

/* What is on the disk needs no memory, and is freed here, and not on the main thread. Values in files are told to it:
 * see ferry_queue_value_unload(). */
static void
drop_changes (GPtrArray *changes)
{
  guint n = 0;

  for (guint i = 0; i < changes->len; i++)
    if (ferry_queue_change_has_file (changes->pdata[i]))
      {
        gpointer kept = changes->pdata[n];

        changes->pdata[n++] = changes->pdata[i];
        changes->pdata[i] = kept;
      }
  g_ptr_array_set_size (changes, (int) n);
}

static void
do_job (Job *self)
{
  FerryQueueStore *store = self->store;
  gboolean is_done;

  switch (self->kind)
    {
    case JOB_OPEN:
      store->file = ferry_queue_file_open (store->path, &self->content, &self->error);
      break;
    case JOB_WRITE:
      if (ferry_queue_file_write (store->file, self->changes, &self->error))
        drop_changes (self->changes);
      else if (self->owner == NULL)
        g_warning ("%s", self->error->message);
      break;
    case JOB_RENEW:
      ferry_queue_file_renew (store->file, self->content, &self->error);
      break;
    case JOB_LOAD:
      self->bytes = ferry_queue_value_read (self->value, &self->error);
      break;
    case JOB_BACK_UP:
      self->goes_on = ferry_queue_file_back_up (store->file, self->copy, &is_done, &self->error) && !is_done;
      break;
    case JOB_END_BACK_UP:
      ferry_queue_file_end_back_up (store->file);
      break;
    case JOB_CLOSE:
      if (store->file != NULL)
        ferry_queue_file_close (g_steal_pointer (&store->file), self->is_orderly, &self->error);
      break;
    }
}

static void
answer (gpointer data)
{
  Job *self = data;
  const FerryQueueStoreFuncs *funcs = self->store->funcs;

  switch (self->kind)
    {
    case JOB_OPEN:
      funcs->opened (self->owner, g_steal_pointer (&self->content), g_steal_pointer (&self->error));
      break;
    case JOB_WRITE:
      funcs->written (self->owner, self->error);
      break;
    case JOB_RENEW:
      funcs->renewed (self->owner, g_steal_pointer (&self->content), g_steal_pointer (&self->error));
      break;
    case JOB_LOAD:
      funcs->loaded (self->owner, self->value, self->bytes, self->error);
      break;
    case JOB_BACK_UP:
      funcs->backed_up (self->owner, self->error);
      break;
    case JOB_END_BACK_UP:
      break;
    case JOB_CLOSE:
      funcs->closed (self->owner, self->error);
      break;
    }
}

static gpointer
run (gpointer data)
{
  FerryQueueStore *self = data;
  gboolean goes_on = TRUE, rests = TRUE;

  while (goes_on)
    {
      Job *job = rests ? g_async_queue_pop (self->jobs) : g_async_queue_timeout_pop (self->jobs, REST_TIME);

      if (job == NULL)
        {
          ferry_queue_file_rest (self->file);
          rests = TRUE;
          continue;
        }
      do_job (job);
      goes_on = job->kind != JOB_CLOSE;
      if (job->kind != JOB_LOAD)
        rests = self->file == NULL;
      if (job->goes_on)
        g_async_queue_push (self->jobs, job);
      else if (job->owner != NULL)
        ferry_mailbox_post (self->context, answer, job, job_free);
      else
        job_free (job);
    }
  store_unref (self);
  return NULL;
}

/* ---- the queue's thread ---- */

FerryQueueStore *
ferry_queue_store_open (const char *path, GMainContext *context, const FerryQueueStoreFuncs *funcs, GObject *owner,
                        GError **error)
{
  FerryQueueStore *self = g_new0 (FerryQueueStore, 1);
  GThread *thread;

  g_atomic_ref_count_init (&self->references);
  self->path = g_strdup (path);
  self->context = g_main_context_ref (context);
  self->funcs = funcs;
  self->owner = owner;
  self->jobs = g_async_queue_new ();
  g_atomic_ref_count_inc (&self->references);
  thread = ferry_thread_try_new ("ferry-queue", "the queue's file", run, self, error);
  if (thread == NULL)
    {
      store_unref (self);
      store_unref (self);
      return NULL;
    }
  g_thread_unref (thread);
  g_async_queue_push (self->jobs, job_new (self, JOB_OPEN, TRUE));
  return self;
}

void
ferry_queue_store_write (FerryQueueStore *self, GPtrArray *changes, gboolean wants_answer)
{
  Job *job = job_new (self, JOB_WRITE, wants_answer);

  job->changes = g_ptr_array_ref (changes);
  g_async_queue_push (self->jobs, job);
}

void
ferry_queue_store_renew (FerryQueueStore *self, FerryQueueContent *content)
{
  Job *job = job_new (self, JOB_RENEW, TRUE);

  job->content = content;
  g_async_queue_push (self->jobs, job);
}

void
ferry_queue_store_load (FerryQueueStore *self, FerryQueueValue *value)
{
  Job *job = job_new (self, JOB_LOAD, TRUE);

  job->value = ferry_queue_value_ref (value);
  g_async_queue_push (self->jobs, job);
}

void
ferry_queue_store_back_up (FerryQueueStore *self, FerryQueueCopy *copy)
{
  Job *job = job_new (self, JOB_BACK_UP, TRUE);

  job->copy = copy;
  g_async_queue_push (self->jobs, job);
}

void
ferry_queue_store_end_back_up (FerryQueueStore *self)
{
  g_async_queue_push (self->jobs, job_new (self, JOB_END_BACK_UP, FALSE));
}

void
ferry_queue_store_close (FerryQueueStore *self, gboolean is_orderly, gboolean wants_answer)
{
  Job *job = job_new (self, JOB_CLOSE, wants_answer);

  job->is_orderly = is_orderly;
  g_async_queue_push (self->jobs, job);
  store_unref (self);
}
