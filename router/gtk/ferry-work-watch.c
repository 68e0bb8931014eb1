/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the desktop is told of work: that the machine is to stay awake (no suspend) and nobody
 * logs out, and how far it is.
 *
 * Owner:      the guards of the tasks; their model knows its watch, and does not keep it.
 * Threads:    the one that runs GTK.
 * Invariants: work begins when there is a task after there was none, and ends when there is none. Work that lasts for
 *             less than a second is told to nobody: to keep the machine awake takes GTK a call that waits. */

#include "config.h"

#include "gtk/ferry-work-watch-private.h"

#include "gtk/ferry-desktop-progress-private.h"

#include <glib-unix.h>
#include <gtk/gtk.h>
#include <signal.h>

#include "gtk/ferry-task-actions-private.h"
#include "gtk/ferry-task-words-private.h"
#include "gtk/ferry-translation-private.h"

#define KEY "ferry-work-watch"
#define NOTIFICATION_ID "ferry-work-ended"

/* How long work lasts before it is told of, and how often it is told how far it is. */
#define INTERVAL_SECONDS 1

typedef struct
{
  guint64 completed, failed;
} Counts;

struct _FerryWorkWatch
{
  GObject parent_instance;

  GListModel *tasks;     /* (owned) */
  FerryTaskTally *tally; /* (owned) */
  gint64 long_work;
  guint n_windows;
  gboolean is_ending; /* SIGTERM has come */
  guint end_signal;   /* the source of SIGTERM, which would end the work of queues */

  gint64 begun; /* 0 while there is no work */
  Counts before;
  guint timer;
  GtkApplication *application; /* (nullable) (owned): is told of the work */
  guint inhibition;
  FerryDesktopProgress *progress; /* (nullable) (owned) */
};

G_DEFINE_FINAL_TYPE (FerryWorkWatch, ferry_work_watch, G_TYPE_OBJECT)

static Counts
count_ends (FerryWorkWatch *self)
{
  FerryTaskFigures figures = ferry_task_tally_get (self->tally);

  return (Counts){figures.n_completed, figures.n_failed};
}

/* (transfer none) (nullable): the application, where it has a session. */
static GtkApplication *
find_application (void)
{
  GApplication *application = g_application_get_default ();

  if (!GTK_IS_APPLICATION (application) || !g_application_get_is_registered (application) ||
      g_application_get_dbus_connection (application) == NULL)
    return NULL;
  return GTK_APPLICATION (application);
}

/* ---- while there is work ---- */

static void
cancel_all (gpointer data)
{
  ferry_task_tally_cancel_all (FERRY_WORK_WATCH (data)->tally);
}

static void
stop_inhibition (FerryWorkWatch *self)
{
  if (self->inhibition != 0)
    gtk_application_uninhibit (self->application, self->inhibition);
  self->inhibition = 0;
}

static void
tell_desktop (FerryWorkWatch *self, GtkApplication *application)
{
  self->application = g_object_ref (application);
  g_application_withdraw_notification (G_APPLICATION (application), NOTIFICATION_ID);
  self->progress =
    ferry_desktop_progress_new (g_application_get_dbus_connection (G_APPLICATION (application)),
                                g_application_get_application_id (G_APPLICATION (application)), cancel_all, self);
}

static void
show_progress (FerryWorkWatch *self)
{
  FerryTaskFigures figures = ferry_task_tally_get (self->tally);
  g_autofree char *words = ferry_task_words_for_work (&figures, 0);

  ferry_desktop_progress_show (self->progress, figures.indeterminate ? -1.0 : figures.fraction, words);
}

/* Whether nothing runs, since all executors are paused, with the tasks that they ran. Only then are these looked at. */
static gboolean
is_at_rest (FerryWorkWatch *self)
{
  guint n_items = g_list_model_get_n_items (self->tasks);
  gboolean paused = ferry_task_tally_get (self->tally).paused;

  for (guint i = 0; paused && i < n_items; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (self->tasks, i);
      FerryTaskState state = ferry_task_get_state (task);

      paused = state == FERRY_TASK_STATE_EXECUTING ? ferry_task_is_paused (task) : state != FERRY_TASK_STATE_CANCELLING;
    }
  return paused;
}

/* Work that rests keeps no machine awake. */
static void
show_inhibition (FerryWorkWatch *self)
{
  gboolean is_needed = !is_at_rest (self);

  if (is_needed && self->inhibition == 0)
    self->inhibition = gtk_application_inhibit (
      self->application, gtk_application_get_active_window (self->application),
      GTK_APPLICATION_INHIBIT_SUSPEND | GTK_APPLICATION_INHIBIT_LOGOUT, _ ("Tasks are running"));
  else if (!is_needed && self->inhibition != 0)
    stop_inhibition (self);
}

static gboolean
timer_cb (gpointer user_data)
{
  FerryWorkWatch *self = user_data;
  GtkApplication *application = find_application ();

  if (self->application == NULL && application != NULL)
    tell_desktop (self, application);
  if (self->application != NULL)
    show_inhibition (self);
  if (self->progress != NULL)
    show_progress (self);
  return G_SOURCE_CONTINUE;
}

static void
begin_work (FerryWorkWatch *self)
{
  self->begun = g_get_monotonic_time ();
  self->before = count_ends (self);
  self->timer = g_timeout_add_seconds (INTERVAL_SECONDS, timer_cb, self);
  g_source_set_name_by_id (self->timer, "[ferry] progress for the desktop");
}

/* ---- when it ends ---- */

static gboolean
is_out_of_sight (GtkApplication *application)
{
  for (GList *item = gtk_application_get_windows (application); item != NULL; item = item->next)
    if (gtk_window_is_active (item->data))
      return FALSE;
  return TRUE;
}

/* What was done since the work began. */
static char *
find_words (FerryWorkWatch *self)
{
  Counts now = count_ends (self);

  return ferry_task_words_for_ends (now.completed - self->before.completed, now.failed - self->before.failed);
}

static void
notify_of_end (FerryWorkWatch *self, GtkApplication *application)
{
  g_autoptr (GNotification) notification = g_notification_new (_ ("Work Ended"));
  g_autofree char *words = find_words (self);

  g_notification_set_body (notification, words);
  g_application_send_notification (G_APPLICATION (application), NOTIFICATION_ID, notification);
}

/* Of work that was stopped, nothing but that it has ended is told. */
static void
end_telling (FerryWorkWatch *self)
{
  gboolean has_failed = count_ends (self).failed != self->before.failed;
  g_autofree char *words = has_failed ? find_words (self) : NULL;

  g_clear_handle_id (&self->timer, g_source_remove);
  stop_inhibition (self);
  if (self->progress != NULL)
    ferry_desktop_progress_end (g_steal_pointer (&self->progress), words);
  g_clear_object (&self->application);
}

static void
end_work (FerryWorkWatch *self)
{
  gboolean was_long = g_get_monotonic_time () - self->begun >= self->long_work;
  GtkApplication *application = find_application ();

  end_telling (self);
  if (was_long && application != NULL && is_out_of_sight (application))
    notify_of_end (self, application);
  self->begun = 0;
}

/* ---- the end of the process ---- */

/* The source has given the signal its default again. */
static void
end_by_signal (gpointer data)
{
  raise (SIGTERM);
}

/* A second signal does not wait. */
static gboolean
end_signal_cb (gpointer data)
{
  FerryWorkWatch *self = data;

  self->end_signal = 0;
  self->is_ending = TRUE;
  ferry_task_tally_close (self->tally, end_by_signal, NULL);
  return G_SOURCE_REMOVE;
}

/* An end that is known beforehand is none that a queue takes for a crash. What the application does about it is its
 * own. */
static void
watch_end_signal (FerryWorkWatch *self)
{
  struct sigaction now;

  if (self->end_signal != 0 || self->is_ending || !ferry_task_tally_has_queue (self->tally) ||
      sigaction (SIGTERM, NULL, &now) != 0 || now.sa_handler != SIG_DFL)
    return;
  self->end_signal = g_unix_signal_add (SIGTERM, end_signal_cb, self);
  g_source_set_name_by_id (self->end_signal, "[ferry] SIGTERM");
}

static void
figures_cb (FerryWorkWatch *self)
{
  gboolean works = ferry_task_tally_count_open (self->tally) > 0;

  watch_end_signal (self);
  if (works && self->begun == 0)
    begin_work (self);
  else if (!works && self->begun != 0)
    end_work (self);
}

/* ---- the object ---- */

static void
ferry_work_watch_dispose (GObject *object)
{
  FerryWorkWatch *self = FERRY_WORK_WATCH (object);

  g_clear_handle_id (&self->end_signal, g_source_remove);
  if (self->tasks != NULL)
    {
      end_telling (self);
      g_object_set_data (G_OBJECT (self->tasks), KEY, NULL);
    }
  g_clear_object (&self->tally);
  g_clear_object (&self->tasks);
  G_OBJECT_CLASS (ferry_work_watch_parent_class)->dispose (object);
}

static void
ferry_work_watch_class_init (FerryWorkWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_work_watch_dispose;
}

static void
ferry_work_watch_init (FerryWorkWatch *self)
{
}

FerryWorkWatch *
ferry_work_watch_of (GListModel *tasks)
{
  FerryWorkWatch *self = g_object_get_data (G_OBJECT (tasks), KEY);

  if (self != NULL)
    return g_object_ref (self);
  self = g_object_new (FERRY_TYPE_WORK_WATCH, NULL);
  self->tasks = g_object_ref (tasks);
  self->tally = ferry_task_tally_new (tasks);
  g_object_set_data (G_OBJECT (tasks), KEY, self);
  g_signal_connect_object (self->tally, "changed", G_CALLBACK (figures_cb), self, G_CONNECT_SWAPPED);
  figures_cb (self);
  return self;
}

void
ferry_work_watch_set_long_work (FerryWorkWatch *self, gint64 long_work)
{
  self->long_work = long_work;
}

FerryTaskTally *
ferry_work_watch_get_tally (FerryWorkWatch *self)
{
  return self->tally;
}

void
ferry_work_watch_add_window (FerryWorkWatch *self)
{
  self->n_windows++;
}

void
ferry_work_watch_remove_window (FerryWorkWatch *self)
{
  self->n_windows--;
}

gboolean
ferry_work_watch_has_last_window (FerryWorkWatch *self)
{
  return self->n_windows == 1;
}
