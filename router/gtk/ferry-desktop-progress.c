/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* How far work is, at the desktop's own places, such as a launcher's bar.
 *
 * Owner:      the watch of the work; an answer that is on its way keeps the memory.
 * Threads:    the one that runs GTK. No call waits for its answer.
 * Trust:      what the services answer is checked by GDBus for its types; an error means that the place is not there.
 * Invariants: the dock hears a signal, so it does not matter whether there is a dock. The two services are told while
 *             their names have owners, and are never started. What has not changed is not told again. */

#include "config.h"

#include "gtk/ferry-desktop-progress-private.h"

#include "gtk/ferry-translation-private.h"

#define DOCK_PATH "/org/ferryproject/Work"
#define DOCK_INTERFACE "com.canonical.Unity.LauncherEntry"

#define JOBS_NAME "org.kde.JobViewServer"
#define JOBS_PATH "/JobViewServer"
#define JOBS_INTERFACE "org.kde.JobViewServerV2"
#define JOB_INTERFACE "org.kde.JobViewV3"

/* The job can be cancelled, and not paused. */
#define JOB_CAPABILITIES 1
/* The first code of errors that are not those of KDE's own jobs. */
#define JOB_FAILED 100

#define PORTAL_NAME "org.freedesktop.portal.Desktop"
#define PORTAL_PATH "/org/freedesktop/portal/desktop"
#define PORTAL_INTERFACE "org.freedesktop.portal.Background"

/* The portal refuses longer messages. */
#define PORTAL_CHARACTERS 95

struct _FerryDesktopProgress
{
  GDBusConnection *connection; /* (owned) */
  char *application_id;
  void (*cancelled) (gpointer data);
  gpointer data;

  int percent; /* negative while it is not known */
  char *words; /* (nullable): what is shown; NULL before something is */

  guint jobs_watch, job_signal;
  char *job; /* (nullable): the path of the job at Plasma's server */
  gboolean has_told_percent;

  gboolean is_over; /* an answer that comes now finds nothing to show */
  char *failure;    /* (nullable): of work that is over */

  guint portal_watch;
  gboolean has_portal;
};

/* ---- the icon in the dock ---- */

/* A dock has no bar for what is not known. */
static void
show_at_dock (FerryDesktopProgress *self, gboolean visible)
{
  gboolean has_bar = visible && self->percent >= 0;
  g_autofree char *uri = g_strdup_printf ("application://%s.desktop", self->application_id);
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&properties, "{sv}", "progress", g_variant_new_double (MAX (self->percent, 0) / 100.0));
  g_variant_builder_add (&properties, "{sv}", "progress-visible", g_variant_new_boolean (has_bar));
  g_dbus_connection_emit_signal (self->connection, NULL, DOCK_PATH, DOCK_INTERFACE, "Update",
                                 g_variant_new ("(sa{sv})", uri, &properties), NULL);
}

/* ---- Plasma's list of jobs ---- */

static GVariant *
describe_job (FerryDesktopProgress *self, gboolean is_first)
{
  GVariantBuilder properties;

  g_variant_builder_init (&properties, G_VARIANT_TYPE_VARDICT);
  /* A job that was never told how far it is has a bar that moves. So has one at 0, for which there is no other way
   * back. */
  if (self->percent >= 0 || self->has_told_percent)
    g_variant_builder_add (&properties, "{sv}", "percent", g_variant_new_uint32 ((guint) MAX (self->percent, 0)));
  self->has_told_percent |= self->percent >= 0;
  g_variant_builder_add (&properties, "{sv}", "infoMessage", g_variant_new_string (self->words));
  if (is_first)
    {
      g_variant_builder_add (&properties, "{sv}", "title", g_variant_new_string (_ ("Tasks")));
      /* The watch of the work has waited already. */
      g_variant_builder_add (&properties, "{sv}", "immediate", g_variant_new_boolean (TRUE));
      /* What has ended is told of by a notification. */
      g_variant_builder_add (&properties, "{sv}", "transient", g_variant_new_boolean (TRUE));
    }
  return g_variant_builder_end (&properties);
}

static void
call_job (GDBusConnection *connection, const char *job, const char *method, GVariant *arguments)
{
  g_dbus_connection_call (connection, JOBS_NAME, job, JOB_INTERFACE, method, arguments, NULL,
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL, NULL);
}

static void
show_at_jobs (FerryDesktopProgress *self)
{
  if (self->job != NULL)
    call_job (self->connection, self->job, "update", g_variant_new ("(@a{sv})", describe_job (self, FALSE)));
}

static void
forget_job (FerryDesktopProgress *self)
{
  if (self->job_signal != 0)
    g_dbus_connection_signal_unsubscribe (self->connection, self->job_signal);
  self->job_signal = 0;
  g_clear_pointer (&self->job, g_free);
}

static void
cancelled_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
              const char *signal, GVariant *arguments, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;

  self->cancelled (self->data);
}

static void
end_job (FerryDesktopProgress *self)
{
  GVariantBuilder hints;

  if (self->job == NULL)
    return;
  g_variant_builder_init (&hints, G_VARIANT_TYPE_VARDICT);
  call_job (self->connection, self->job, "terminate",
            g_variant_new ("(usa{sv})", self->failure != NULL ? JOB_FAILED : 0,
                           self->failure != NULL ? self->failure : "", &hints));
  forget_job (self);
}

static void
clear (gpointer data)
{
  FerryDesktopProgress *self = data;

  g_free (self->job);
  g_free (self->failure);
  g_free (self->words);
  g_free (self->application_id);
  g_object_unref (self->connection);
}

static void
unref (FerryDesktopProgress *self)
{
  g_rc_box_release_full (self, clear);
}

/* The server makes a job also for work that is over when it answers. */
static void
job_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (self->connection, result, &error);

  if (answer == NULL)
    g_debug ("No job at %s: %s", JOBS_NAME, error->message);
  else
    {
      forget_job (self);
      g_variant_get (answer, "(o)", &self->job);
      if (self->is_over)
        end_job (self);
      else
        {
          self->job_signal =
            g_dbus_connection_signal_subscribe (self->connection, JOBS_NAME, JOB_INTERFACE, "cancelRequested",
                                                self->job, NULL, G_DBUS_SIGNAL_FLAGS_NONE, cancelled_cb, self, NULL);
          show_at_jobs (self);
        }
    }
  unref (self);
}

static void
jobs_appeared_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;

  g_dbus_connection_call (
    connection, JOBS_NAME, JOBS_PATH, JOBS_INTERFACE, "requestView",
    g_variant_new ("(si@a{sv})", self->application_id, JOB_CAPABILITIES, describe_job (self, TRUE)),
    G_VARIANT_TYPE ("(o)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, job_cb, g_rc_box_acquire (self));
}

static void
jobs_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  forget_job (user_data);
}

/* ---- the list of what runs in the background ---- */

/* An application that is not in a sandbox is refused, and does not ask again. */
static void
portal_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_dbus_connection_call_finish (self->connection, result, &error);

  if (answer == NULL)
    {
      g_debug ("No status at %s: %s", PORTAL_NAME, error->message);
      self->has_portal = FALSE;
    }
  unref (self);
}

/* Takes the words; NULL for none. */
static void
tell_portal (FerryDesktopProgress *self, char *words)
{
  g_autofree char *owned = words;
  GVariantBuilder options;

  if (!self->has_portal)
    return;
  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (owned != NULL)
    g_variant_builder_add (&options, "{sv}", "message", g_variant_new_string (owned));
  g_dbus_connection_call (self->connection, PORTAL_NAME, PORTAL_PATH, PORTAL_INTERFACE, "SetStatus",
                          g_variant_new ("(a{sv})", &options), NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL,
                          portal_cb, g_rc_box_acquire (self));
}

static void
show_at_portal (FerryDesktopProgress *self)
{
  tell_portal (self, g_utf8_substring (self->words, 0, MIN (g_utf8_strlen (self->words, -1), PORTAL_CHARACTERS)));
}

static void
portal_appeared_cb (GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;

  self->has_portal = TRUE;
  show_at_portal (self);
}

static void
portal_vanished_cb (GDBusConnection *connection, const char *name, gpointer user_data)
{
  FerryDesktopProgress *self = user_data;

  self->has_portal = FALSE;
}

/* ---- all of them ---- */

/* The services are looked for when there is something to show. */
static void
begin (FerryDesktopProgress *self)
{
  self->jobs_watch = g_bus_watch_name_on_connection (self->connection, JOBS_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                     jobs_appeared_cb, jobs_vanished_cb, self, NULL);
  self->portal_watch = g_bus_watch_name_on_connection (self->connection, PORTAL_NAME, G_BUS_NAME_WATCHER_FLAGS_NONE,
                                                       portal_appeared_cb, portal_vanished_cb, self, NULL);
}

FerryDesktopProgress *
ferry_desktop_progress_new (GDBusConnection *connection, const char *application_id, void (*cancelled) (gpointer data),
                            gpointer data)
{
  FerryDesktopProgress *self = g_rc_box_new0 (FerryDesktopProgress);

  self->connection = g_object_ref (connection);
  self->application_id = g_strdup (application_id);
  self->cancelled = cancelled;
  self->data = data;
  return self;
}

void
ferry_desktop_progress_show (FerryDesktopProgress *self, double fraction, const char *words)
{
  int percent = fraction < 0.0 ? -1 : (int) (MIN (fraction, 1.0) * 100.0);
  gboolean is_first = self->words == NULL, has_words = g_strcmp0 (self->words, words) != 0;
  gboolean has_percent = is_first || self->percent != percent;

  if (has_words)
    {
      g_free (self->words);
      self->words = g_strdup (words);
    }
  self->percent = percent;
  if (is_first)
    begin (self);
  if (has_percent)
    show_at_dock (self, /* visible: */ TRUE);
  if (has_percent || has_words)
    show_at_jobs (self);
  if (has_words && !is_first)
    show_at_portal (self);
}

void
ferry_desktop_progress_end (FerryDesktopProgress *self, const char *failure)
{
  self->is_over = TRUE;
  self->failure = g_strdup (failure);
  if (self->words != NULL)
    {
      g_bus_unwatch_name (self->jobs_watch);
      g_bus_unwatch_name (self->portal_watch);
      show_at_dock (self, /* visible: */ FALSE);
      end_job (self);
      tell_portal (self, NULL);
    }
  unref (self);
}
