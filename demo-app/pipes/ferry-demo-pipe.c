/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A plain pipe: the application makes both ends, gives the sender to a worker, and hears each message on its main loop.
 * There is no task and no executor. */

#include "pipes/ferry-demo-pipe.h"

#include "app/ferry-demo-session.h"

struct _FerryDemoPipe
{
  GObject parent_instance;

  FerryRouter *router;
  char *worker_path;
  char *mode;

  FerryReceiver *receiver; /* NULL while there is no worker */
  FerryWorker *worker;
  FerryDemoPipeFigures figures;
  guint64 n_read; /* messages, up to the last reading, which was then */
  gint64 read_time;
  double delays; /* the sum of those since then */
  guint64 next_sequence;
};

typedef enum
{
  SIGNAL_MESSAGE,
  SIGNAL_ENDED,
  N_SIGNALS
} FerryDemoPipeSignal;

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (FerryDemoPipe, ferry_demo_pipe, G_TYPE_OBJECT)

/* What comes from another process may be anything. */
static void
message_cb (FerryReceiver *receiver, gconstpointer data, gsize size, const GVariantType *type, gpointer user_data)
{
  FerryDemoPipe *self = user_data;
  const FerryDemoPipeMessage *message = data;
  gint64 now = g_get_monotonic_time ();

  if (size != sizeof *message || message->sequence != self->next_sequence || message->time > now)
    self->figures.n_wrong++;
  else
    self->delays += (double) (now - message->time);
  self->next_sequence = size == sizeof *message ? message->sequence + 1 : self->next_sequence;
  if (self->figures.last_time != 0)
    self->figures.longest_wait = MAX (self->figures.longest_wait, now - self->figures.last_time);
  self->figures.last_time = now;
  self->figures.n_messages++;
  if (size == sizeof *message)
    g_signal_emit (self, signals[SIGNAL_MESSAGE], 0, message->value);
}

static void
forget_worker (FerryDemoPipe *self)
{
  if (self->receiver != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->receiver, self);
      ferry_receiver_set_handler (self->receiver, NULL, NULL, NULL);
    }
  g_clear_object (&self->receiver);
  g_clear_object (&self->worker);
}

static void
closed_cb (FerryDemoPipe *self, FerryExit *ended)
{
  g_autoptr (FerryExit) kept = g_object_ref (ended);

  g_message ("%s", ferry_exit_get_message (ended));
  forget_worker (self);
  g_signal_emit (self, signals[SIGNAL_ENDED], 0, kept);
}

gboolean
ferry_demo_pipe_start (FerryDemoPipe *self, GError **error)
{
  g_autoptr (FerryLauncher) launcher = ferry_demo_launcher_new (self->worker_path, self->mode);
  g_autoptr (FerrySender) sender = NULL;

  if (self->worker != NULL)
    return TRUE;
  if (!ferry_router_pipe (self->router, FERRY_PIPE_QUEUED, &sender, &self->receiver, error))
    return FALSE;
  ferry_receiver_set_handler (self->receiver, message_cb, self, NULL);
  g_signal_connect_object (self->receiver, "closed", G_CALLBACK (closed_cb), self, G_CONNECT_SWAPPED);
  self->next_sequence = 0;
  self->figures.last_time = 0;
  self->delays = 0.0;
  self->n_read = self->figures.n_messages;
  self->read_time = g_get_monotonic_time ();
  if (ferry_launcher_add_sender (launcher, FERRY_DEMO_PIPE_SENDER, sender, error))
    self->worker = ferry_launcher_spawn (launcher, self->router, error);
  if (self->worker == NULL)
    forget_worker (self);
  return self->worker != NULL;
}

void
ferry_demo_pipe_stop (FerryDemoPipe *self)
{
  g_autoptr (FerryWorker) worker = self->worker != NULL ? g_object_ref (self->worker) : NULL;

  if (self->receiver != NULL && ferry_router_get_running (self->router))
    ferry_router_close_pipe (self->router, self->receiver, NULL);
  forget_worker (self);
  if (worker != NULL)
    ferry_worker_force_exit (worker);
}

void
ferry_demo_pipe_send_signal (FerryDemoPipe *self, int number)
{
  if (self->worker != NULL)
    ferry_worker_send_signal (self->worker, number);
}

static void
ferry_demo_pipe_finalize (GObject *object)
{
  FerryDemoPipe *self = FERRY_DEMO_PIPE (object);

  ferry_demo_pipe_stop (self);
  g_object_unref (self->router);
  g_free (self->worker_path);
  g_free (self->mode);
  G_OBJECT_CLASS (ferry_demo_pipe_parent_class)->finalize (object);
}

static void
ferry_demo_pipe_class_init (FerryDemoPipeClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_pipe_finalize;
  signals[SIGNAL_MESSAGE] = g_signal_new ("message", FERRY_DEMO_TYPE_PIPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                          G_TYPE_NONE, 1, G_TYPE_DOUBLE);
  signals[SIGNAL_ENDED] = g_signal_new ("ended", FERRY_DEMO_TYPE_PIPE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                        G_TYPE_NONE, 1, FERRY_TYPE_EXIT);
}

static void
ferry_demo_pipe_init (FerryDemoPipe *self)
{
}

FerryDemoPipe *
ferry_demo_pipe_new (FerryRouter *router, const char *worker_path, const char *mode)
{
  FerryDemoPipe *self = g_object_new (FERRY_DEMO_TYPE_PIPE, NULL);

  self->router = g_object_ref (router);
  self->worker_path = g_strdup (worker_path);
  self->mode = g_strdup (mode);
  return self;
}

gboolean
ferry_demo_pipe_is_running (FerryDemoPipe *self)
{
  return self->worker != NULL;
}

const FerryDemoPipeFigures *
ferry_demo_pipe_get_figures (FerryDemoPipe *self)
{
  return &self->figures;
}

void
ferry_demo_pipe_forget_wait (FerryDemoPipe *self)
{
  self->figures.longest_wait = 0;
}

gboolean
ferry_demo_pipe_read (FerryDemoPipe *self, double *rate, double *delay)
{
  gint64 now = g_get_monotonic_time ();
  guint64 n_new = self->figures.n_messages - self->n_read;

  *rate = (double) n_new * G_USEC_PER_SEC / (double) MAX (now - self->read_time, 1);
  *delay = n_new > 0 ? self->delays / (double) n_new : -1.0;
  self->n_read = self->figures.n_messages;
  self->read_time = now;
  self->delays = 0.0;
  return n_new > 0;
}
