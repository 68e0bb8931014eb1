/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "app/ferry-demo-watch.h"

#include "app/ferry-demo-format.h"

#define NOTIFICATION_ID "work-ended"

typedef struct
{
  guint64 completed, failed, cancelled;
} Counts;

struct _FerryDemoWatch
{
  GObject parent_instance;

  GtkApplication *application; /* (unowned) has us */
  FerryExecutor *executor;
  gint64 long_work;
  gint64 begun; /* when there was work to do after there was none; 0 while there is none */
  Counts before;
  guint inhibition;
};

G_DEFINE_FINAL_TYPE (FerryDemoWatch, ferry_demo_watch, G_TYPE_OBJECT)

static Counts
count (FerryDemoWatch *self)
{
  Counts counts;

  g_object_get (self->executor, "n-completed", &counts.completed, "n-failed", &counts.failed, "n-cancelled",
                &counts.cancelled, NULL);
  return counts;
}

static gboolean
has_session (FerryDemoWatch *self)
{
  GApplication *application = G_APPLICATION (self->application);

  return g_application_get_is_registered (application) && g_application_get_dbus_connection (application) != NULL;
}

static gboolean
has_focus (FerryDemoWatch *self)
{
  for (GList *item = gtk_application_get_windows (self->application); item != NULL; item = item->next)
    if (gtk_window_is_active (item->data))
      return TRUE;
  return FALSE;
}

static void
end_inhibition (FerryDemoWatch *self)
{
  if (self->inhibition != 0)
    gtk_application_uninhibit (self->application, self->inhibition);
  self->inhibition = 0;
}

static void
begin_work (FerryDemoWatch *self)
{
  self->begun = g_get_monotonic_time ();
  self->before = count (self);
  if (!has_session (self))
    return;
  g_application_withdraw_notification (G_APPLICATION (self->application), NOTIFICATION_ID);
  self->inhibition = gtk_application_inhibit (self->application, gtk_application_get_active_window (self->application),
                                              GTK_APPLICATION_INHIBIT_SUSPEND, "Tasks are running");
}

static void
notify_of_end (FerryDemoWatch *self)
{
  g_autoptr (GNotification) notification = g_notification_new ("Work Ended");
  g_autofree char *words = ferry_demo_watch_dup_words (self);

  g_notification_set_body (notification, words);
  g_application_send_notification (G_APPLICATION (self->application), NOTIFICATION_ID, notification);
}

static void
end_work (FerryDemoWatch *self)
{
  gboolean was_long = g_get_monotonic_time () - self->begun >= self->long_work;

  end_inhibition (self);
  if (was_long && has_session (self) && !has_focus (self))
    notify_of_end (self);
  self->begun = 0;
}

static void
figures_cb (FerryDemoWatch *self)
{
  guint n_waiting, n_executing;
  gboolean works;

  g_object_get (self->executor, "n-waiting", &n_waiting, "n-executing", &n_executing, NULL);
  works = n_waiting + n_executing > 0;
  if (works && self->begun == 0)
    begin_work (self);
  else if (!works && self->begun != 0)
    end_work (self);
}

static void
ferry_demo_watch_dispose (GObject *object)
{
  FerryDemoWatch *self = FERRY_DEMO_WATCH (object);

  end_inhibition (self);
  g_clear_object (&self->executor);
  G_OBJECT_CLASS (ferry_demo_watch_parent_class)->dispose (object);
}

static void
ferry_demo_watch_class_init (FerryDemoWatchClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = ferry_demo_watch_dispose;
}

static void
ferry_demo_watch_init (FerryDemoWatch *self)
{
}

FerryDemoWatch *
ferry_demo_watch_new (GtkApplication *application, FerryExecutor *executor, gint64 long_work)
{
  FerryDemoWatch *self = g_object_new (FERRY_DEMO_TYPE_WATCH, NULL);

  self->application = application;
  self->executor = g_object_ref (executor);
  self->long_work = long_work;
  /* All figures are told of at a time; one of them stands for all. */
  g_signal_connect_object (executor, "notify::fraction", G_CALLBACK (figures_cb), self, G_CONNECT_SWAPPED);
  figures_cb (self);
  return self;
}

gboolean
ferry_demo_watch_is_working (FerryDemoWatch *self)
{
  return self->begun != 0;
}

gboolean
ferry_demo_watch_is_inhibiting (FerryDemoWatch *self)
{
  return self->inhibition != 0;
}

/* What was done since the work began. */
char *
ferry_demo_watch_dup_words (FerryDemoWatch *self)
{
  Counts now = count (self);
  guint64 failed = now.failed - self->before.failed;
  g_autofree char *completed_words =
    ferry_demo_format_counted (now.completed - self->before.completed, "task is done", "tasks are done");
  g_autofree char *failed_words = ferry_format_count (failed);

  return failed == 0 ? g_strdup_printf ("%s.", completed_words)
                     : g_strdup_printf ("%s, %s failed.", completed_words, failed_words);
}
