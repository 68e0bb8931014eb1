/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: demo-app/app/ferry-demo-watch.c, demo-app/app/ferry-demo-session.c
 *
 * What the demo does for a user that looks elsewhere, before a desktop of our own: a bus, and on it what shows
 * notifications and what keeps the machine awake.
 *
 * Threads: the desktop answers on a thread of its own, as the application waits for some of its answers. */

#include "config.h"

#include "demo-app/app/ferry-demo-session.h"
#include "demo-app/app/ferry-demo-watch.h"
#include "demo-test.h"

#define NOTIFICATIONS "org.freedesktop.Notifications"
#define SESSION_MANAGER "org.gnome.SessionManager"
#define COOKIE 7

typedef struct
{
  GThread *thread;
  GMainLoop *loop;
  GMutex lock;
  gboolean ready;    /* lock */
  char *summary;     /* lock: of the latest notification */
  char *body;        /* lock */
  guint n_notified;  /* lock */
  guint n_inhibited; /* lock: inhibitions that hold */
} Desktop;

typedef struct
{
  Desktop *desktop;
  GtkApplication *application;
  FerryDemoSession *session;
  FerryDemoWatch *watch;
} Fixture;

/* ---- the desktop ---- */

/* Stays up until the process ends, as the application's connection to it does; then it is stopped by itself. */
static GTestDBus *bus;

static const char interfaces[] =
  "<node>"
  " <interface name='" NOTIFICATIONS "'>"
  "  <method name='GetCapabilities'><arg type='as' direction='out'/></method>"
  "  <method name='CloseNotification'><arg type='u' direction='in'/></method>"
  "  <method name='Notify'>"
  "   <arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
  "   <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' direction='in'/>"
  "   <arg type='a{sv}' direction='in'/><arg type='i' direction='in'/><arg type='u' direction='out'/>"
  "  </method>"
  " </interface>"
  " <interface name='" SESSION_MANAGER "'>"
  "  <method name='Inhibit'>"
  "   <arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
  "   <arg type='u' direction='in'/><arg type='u' direction='out'/>"
  "  </method>"
  "  <method name='Uninhibit'><arg type='u' direction='in'/></method>"
  " </interface>"
  "</node>";

/* What the desktop is asked for. Its own thread. */
static GVariant *
answer (Desktop *self, const char *method, GVariant *arguments)
{
  if (g_str_equal (method, "Notify"))
    {
      g_free (self->summary);
      g_free (self->body);
      g_variant_get_child (arguments, 3, "s", &self->summary);
      g_variant_get_child (arguments, 4, "s", &self->body);
      self->n_notified++;
      return g_variant_new ("(u)", self->n_notified);
    }
  if (g_str_equal (method, "Inhibit"))
    {
      self->n_inhibited++;
      return g_variant_new ("(u)", COOKIE);
    }
  if (g_str_equal (method, "Uninhibit"))
    {
      guint cookie;

      g_variant_get (arguments, "(u)", &cookie);
      self->n_inhibited -= cookie == COOKIE;
      return NULL;
    }
  return g_str_equal (method, "GetCapabilities") ? g_variant_new ("(as)", NULL) : NULL;
}

static void
called_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
           GVariant *arguments, GDBusMethodInvocation *invocation, gpointer user_data)
{
  Desktop *self = user_data;
  GVariant *result;

  g_mutex_lock (&self->lock);
  result = answer (self, method, arguments);
  g_mutex_unlock (&self->lock);
  g_dbus_method_invocation_return_value (invocation, result);
}

static void
offer (Desktop *self, GDBusConnection *connection, GDBusNodeInfo *node, const char *path, const char *interface)
{
  static const GDBusInterfaceVTable functions = {.method_call = called_cb};
  g_autoptr (GVariant) owned = NULL;
  g_autoptr (GError) error = NULL;

  g_dbus_connection_register_object (connection, path, g_dbus_node_info_lookup_interface (node, interface), &functions,
                                     self, NULL, &error);
  g_assert_no_error (error);
  owned = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "RequestName", g_variant_new ("(su)", interface, 0),
                                       NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
}

static gpointer
run_desktop (gpointer data)
{
  Desktop *self = data;
  GMainContext *context = g_main_loop_get_context (self->loop);
  g_autoptr (GDBusNodeInfo) node = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (context);
  node = g_dbus_node_info_new_for_xml (interfaces, &error);
  g_assert_no_error (error);
  connection = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  g_assert_no_error (error);
  offer (self, connection, node, "/org/freedesktop/Notifications", NOTIFICATIONS);
  offer (self, connection, node, "/org/gnome/SessionManager", SESSION_MANAGER);
  g_mutex_lock (&self->lock);
  self->ready = TRUE;
  g_mutex_unlock (&self->lock);
  g_main_loop_run (self->loop);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  g_main_context_pop_thread_default (context);
  return NULL;
}

static gboolean
is_ready (gpointer data)
{
  Desktop *self = data;
  gboolean ready;

  g_mutex_lock (&self->lock);
  ready = self->ready;
  g_mutex_unlock (&self->lock);
  return ready;
}

static Desktop *
desktop_new (void)
{
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autofree char *display = g_strdup (g_getenv ("DISPLAY"));
  Desktop *self = g_new0 (Desktop, 1);

  g_mutex_init (&self->lock);
  bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  /* Which forgets the display, so that nothing is started on it. */
  g_test_dbus_up (bus);
  if (display != NULL)
    g_setenv ("DISPLAY", display, TRUE);
  self->loop = g_main_loop_new (context, FALSE);
  self->thread = g_thread_new ("desktop", run_desktop, self);
  demo_test_poll_until (is_ready, self);
  return self;
}

static void
desktop_free (Desktop *self)
{
  g_main_loop_quit (self->loop);
  g_thread_join (self->thread);
  g_main_loop_unref (self->loop);
  g_mutex_clear (&self->lock);
  g_free (self->summary);
  g_free (self->body);
  g_free (self);
}

static guint
get_n_inhibited (Desktop *self)
{
  guint n;

  g_mutex_lock (&self->lock);
  n = self->n_inhibited;
  g_mutex_unlock (&self->lock);
  return n;
}

static gboolean
is_free_to_sleep (gpointer data)
{
  return get_n_inhibited (data) == 0;
}

/* ---- the application ---- */

static void
begin (Fixture *self, gboolean with_desktop, gint64 long_work)
{
  g_autoptr (GError) error = NULL;

  if (with_desktop)
    self->desktop = desktop_new ();
  else
    g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
  self->application = gtk_application_new ("org.ferryproject.WatchTest", G_APPLICATION_NON_UNIQUE);
  g_application_register (G_APPLICATION (self->application), NULL, &error);
  g_assert_no_error (error);
  self->session = ferry_demo_session_new (g_getenv ("FERRY_DEMO_WORKER"), 1);
  ferry_demo_session_start (self->session, &error);
  g_assert_no_error (error);
  self->watch = ferry_demo_watch_new (self->application, ferry_demo_session_get_executor (self->session), long_work);
  g_assert_false (ferry_demo_watch_is_working (self->watch));
}

static void
end (Fixture *self)
{
  g_assert_finalize_object (self->watch);
  ferry_demo_session_stop (self->session);
  demo_test_wait_workers (0);
  g_assert_finalize_object (self->session);
  g_object_unref (self->application);
  g_clear_pointer (&self->desktop, desktop_free);
}

static FerryTask *
add_task (Fixture *self, const char *word)
{
  g_autoptr (FerryDemoSpec) spec = ferry_demo_spec_parse (word, NULL);
  FerryTask *task = ferry_demo_session_add (self->session, spec);

  g_assert_nonnull (task);
  return task;
}

static gboolean
is_working (gpointer data)
{
  return ferry_demo_watch_is_working (data);
}

static gboolean
is_resting (gpointer data)
{
  return !ferry_demo_watch_is_working (data);
}

static gboolean
is_notified (gpointer data)
{
  Desktop *desktop = data;
  gboolean notified;

  g_mutex_lock (&desktop->lock);
  notified = desktop->n_notified > 0;
  g_mutex_unlock (&desktop->lock);
  return notified;
}

/* ---- the tests ---- */

static void
test_end_of_long_work (void)
{
  Fixture self = {NULL};

  begin (&self, /* with_desktop: */ TRUE, /* long_work: */ 0);
  add_task (&self, "primes:100");
  add_task (&self, "primes:1000");
  add_task (&self, "sha256:/nonexistent/ferry");
  demo_test_poll_until (is_working, self.watch);
  demo_test_poll_until (is_resting, self.watch);
  demo_test_poll_until (is_notified, self.desktop);
  g_assert_cmpstr (self.desktop->summary, ==, "Work Ended");
  g_assert_cmpstr (self.desktop->body, ==, "2 tasks are done, 1 failed.");
  g_assert_cmpuint (self.desktop->n_notified, ==, 1);
  end (&self);
}

/* The suspend is put off while there is work; what is over soon is not worth a notification. */
static void
test_machine_is_kept_awake (void)
{
  Fixture self = {NULL};
  FerryTask *task;

  begin (&self, /* with_desktop: */ TRUE, FERRY_DEMO_LONG_WORK);
  task = add_task (&self, "flood:endless");
  demo_test_poll_until (is_working, self.watch);
  g_assert_true (ferry_demo_watch_is_inhibiting (self.watch));
  g_assert_cmpuint (get_n_inhibited (self.desktop), ==, 1);
  ferry_task_cancel (task);
  demo_test_poll_until (is_resting, self.watch);
  g_assert_false (ferry_demo_watch_is_inhibiting (self.watch));
  demo_test_poll_until (is_free_to_sleep, self.desktop);
  g_assert_false (is_notified (self.desktop));
  end (&self);
}

/* Where there is no desktop to ask, work is watched in silence. */
static void
test_no_desktop (void)
{
  Fixture self = {NULL};
  g_autofree char *words = NULL;

  begin (&self, /* with_desktop: */ FALSE, /* long_work: */ 0);
  add_task (&self, "primes:100");
  demo_test_poll_until (is_working, self.watch);
  g_assert_false (ferry_demo_watch_is_inhibiting (self.watch));
  demo_test_poll_until (is_resting, self.watch);
  words = ferry_demo_watch_dup_words (self.watch);
  g_assert_cmpstr (words, ==, "1 task is done.");
  end (&self);
}

/* A process connects to its session once, so each has a process of its own. */
static void
run_apart (gconstpointer data)
{
  void (*test) (void) = (void (*) (void)) (gsize) data;
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");

  if (!demo_test_has_display ())
    return;
  if (daemon == NULL)
    {
      g_test_skip ("There is no dbus-daemon");
      return;
    }
  if (g_test_subprocess ())
    {
      test ();
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

static void
add (const char *path, void (*test) (void))
{
  g_test_add_data_func (path, (gconstpointer) (gsize) test, run_apart);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  demo_test_init ();
  add ("/watch/end-of-long-work-is-told", test_end_of_long_work);
  add ("/watch/machine-is-kept-awake", test_machine_is_kept_awake);
  add ("/watch/no-desktop", test_no_desktop);
  return g_test_run ();
}
