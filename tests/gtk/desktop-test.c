/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "gtk/desktop-test.h"

#include <gtk/gtk.h>
#include <string.h>

#define JOB_PATH "/jobs/1"

typedef struct
{
  const char *name;
  const char *path;
  const char *interface;
} Service;

static const Service services[] = {
  {"org.freedesktop.Notifications", "/org/freedesktop/Notifications", "org.freedesktop.Notifications"},
  {"org.gnome.SessionManager", "/org/gnome/SessionManager", "org.gnome.SessionManager"},
  {"org.kde.JobViewServer", "/JobViewServer", "org.kde.JobViewServerV2"},
  {"org.kde.JobViewServer", JOB_PATH, "org.kde.JobViewV3"},
  {"org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop", "org.freedesktop.portal.Background"},
};

static const char interfaces[] =
  "<node>"
  " <interface name='org.freedesktop.Notifications'>"
  "  <method name='GetCapabilities'><arg type='as' direction='out'/></method>"
  "  <method name='CloseNotification'><arg type='u' direction='in'/></method>"
  "  <method name='Notify'>"
  "   <arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
  "   <arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='as' direction='in'/>"
  "   <arg type='a{sv}' direction='in'/><arg type='i' direction='in'/><arg type='u' direction='out'/>"
  "  </method>"
  " </interface>"
  " <interface name='org.gnome.SessionManager'>"
  "  <method name='Inhibit'>"
  "   <arg type='s' direction='in'/><arg type='u' direction='in'/><arg type='s' direction='in'/>"
  "   <arg type='u' direction='in'/><arg type='u' direction='out'/>"
  "  </method>"
  "  <method name='Uninhibit'><arg type='u' direction='in'/></method>"
  " </interface>"
  " <interface name='org.kde.JobViewServerV2'>"
  "  <method name='requestView'>"
  "   <arg type='s' direction='in'/><arg type='i' direction='in'/><arg type='a{sv}' direction='in'/>"
  "   <arg type='o' direction='out'/>"
  "  </method>"
  " </interface>"
  " <interface name='org.kde.JobViewV3'>"
  "  <method name='update'><arg type='a{sv}' direction='in'/></method>"
  "  <method name='terminate'>"
  "   <arg type='u' direction='in'/><arg type='s' direction='in'/><arg type='a{sv}' direction='in'/>"
  "  </method>"
  "  <signal name='cancelRequested'/>"
  " </interface>"
  " <interface name='org.freedesktop.portal.Background'>"
  "  <method name='SetStatus'><arg type='a{sv}' direction='in'/></method>"
  " </interface>"
  "</node>";

/* The bus stays up until the process ends, as the application's connection to it does; then it is stopped by itself. */
static struct
{
  GTestDBus *bus;
  GThread *thread;
  GMainLoop *loop;
  GMainContext *context;
  GDBusConnection *connection; /* (nullable): of the services */
  GtkApplication *application;
  GMutex lock;
  gboolean ready;   /* lock */
  GPtrArray *lines; /* lock */
  char *refused;    /* lock (nullable): a method that is answered by an error */
} desktop;

/* ---- the services ---- */

static void
note (const char *interface, const char *method, GVariant *arguments)
{
  g_autofree char *text = g_variant_print (arguments, FALSE);
  char *line = g_strdup_printf ("%s.%s %s", strrchr (interface, '.') + 1, method, text);

  g_test_message ("the desktop hears %s", line);
  g_ptr_array_add (desktop.lines, line);
}

static GVariant *
make_answer (const char *method)
{
  if (g_str_equal (method, "Notify") || g_str_equal (method, "Inhibit"))
    return g_variant_new ("(u)", 7);
  if (g_str_equal (method, "requestView"))
    return g_variant_new ("(o)", JOB_PATH);
  return g_str_equal (method, "GetCapabilities") ? g_variant_new ("(as)", NULL) : NULL;
}

static void
called_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *method,
           GVariant *arguments, GDBusMethodInvocation *invocation, gpointer user_data)
{
  gboolean refused;

  g_mutex_lock (&desktop.lock);
  note (interface, method, arguments);
  refused = g_strcmp0 (desktop.refused, method) == 0;
  g_mutex_unlock (&desktop.lock);
  if (refused)
    g_dbus_method_invocation_return_dbus_error (invocation, "org.freedesktop.DBus.Error.AccessDenied", "Refused");
  else
    g_dbus_method_invocation_return_value (invocation, make_answer (method));
}

static void
dock_cb (GDBusConnection *connection, const char *sender, const char *path, const char *interface, const char *signal,
         GVariant *arguments, gpointer user_data)
{
  g_mutex_lock (&desktop.lock);
  note (interface, signal, arguments);
  g_mutex_unlock (&desktop.lock);
}

static void
offer (GDBusConnection *connection, GDBusNodeInfo *node, const Service *service)
{
  static const GDBusInterfaceVTable functions = {.method_call = called_cb};
  g_autoptr (GVariant) owned = NULL;
  g_autoptr (GError) error = NULL;

  g_dbus_connection_register_object (connection, service->path,
                                     g_dbus_node_info_lookup_interface (node, service->interface), &functions, NULL,
                                     NULL, &error);
  g_assert_no_error (error);
  owned = g_dbus_connection_call_sync (connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                                       "org.freedesktop.DBus", "RequestName", g_variant_new ("(su)", service->name, 0),
                                       NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
  g_assert_no_error (error);
}

static gpointer
run (gpointer data)
{
  g_autoptr (GDBusNodeInfo) node = NULL;
  g_autoptr (GDBusConnection) connection = NULL;
  g_autoptr (GError) error = NULL;

  g_main_context_push_thread_default (desktop.context);
  node = g_dbus_node_info_new_for_xml (interfaces, &error);
  g_assert_no_error (error);
  connection = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (desktop.bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  g_assert_no_error (error);
  g_dbus_connection_signal_subscribe (connection, NULL, "com.canonical.Unity.LauncherEntry", NULL, NULL, NULL,
                                      G_DBUS_SIGNAL_FLAGS_NONE, dock_cb, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (services); i++)
    offer (connection, node, &services[i]);
  g_mutex_lock (&desktop.lock);
  desktop.connection = connection;
  desktop.ready = TRUE;
  g_mutex_unlock (&desktop.lock);
  g_main_loop_run (desktop.loop);
  g_dbus_connection_close_sync (connection, NULL, NULL);
  g_main_context_pop_thread_default (desktop.context);
  return NULL;
}

static gboolean
is_ready (gpointer data)
{
  gboolean ready;

  g_mutex_lock (&desktop.lock);
  ready = desktop.ready;
  g_mutex_unlock (&desktop.lock);
  return ready;
}

static void
start_services (void)
{
  g_autofree char *display = g_strdup (g_getenv ("DISPLAY"));

  g_mutex_init (&desktop.lock);
  desktop.lines = g_ptr_array_new_with_free_func (g_free);
  desktop.bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  /* Which forgets the display, so that nothing is started on it. */
  g_test_dbus_up (desktop.bus);
  if (display != NULL)
    g_setenv ("DISPLAY", display, TRUE);
  desktop.context = g_main_context_new ();
  desktop.loop = g_main_loop_new (desktop.context, FALSE);
  desktop.thread = g_thread_new ("desktop", run, NULL);
  ferry_test_look_until (is_ready, NULL);
}

/* ---- the application ---- */

static void
make_application (void)
{
  g_autoptr (GError) error = NULL;

  desktop.application = gtk_application_new ("org.ferryproject.DesktopTest", G_APPLICATION_NON_UNIQUE);
  g_application_register (G_APPLICATION (desktop.application), NULL, &error);
  g_assert_no_error (error);
}

void
desktop_test_begin (void)
{
  start_services ();
  make_application ();
}

void
desktop_test_begin_without (void)
{
  g_setenv ("DBUS_SESSION_BUS_ADDRESS", "disabled:", TRUE);
  make_application ();
}

void
desktop_test_end (void)
{
  g_object_unref (desktop.application);
  if (desktop.thread == NULL)
    return;
  g_main_loop_quit (desktop.loop);
  g_thread_join (desktop.thread);
  g_main_loop_unref (desktop.loop);
  g_main_context_unref (desktop.context);
  g_ptr_array_unref (desktop.lines);
  g_free (desktop.refused);
  g_mutex_clear (&desktop.lock);
}

/* ---- what it has heard ---- */

void
desktop_test_refuse (const char *method)
{
  g_mutex_lock (&desktop.lock);
  desktop.refused = g_strdup (method);
  g_mutex_unlock (&desktop.lock);
}

static gboolean
find (const char *words, guint *index)
{
  for (guint i = 0; i < desktop.lines->len; i++)
    if (strstr (g_ptr_array_index (desktop.lines, i), words) != NULL)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

gboolean
desktop_test_has (const char *words)
{
  gboolean found;
  guint index;

  g_mutex_lock (&desktop.lock);
  found = find (words, &index);
  g_mutex_unlock (&desktop.lock);
  return found;
}

static gboolean
has (gpointer data)
{
  return desktop_test_has (data);
}

char *
desktop_test_wait (const char *words)
{
  guint index = 0;
  char *line;

  ferry_test_look_until (has, (gpointer) words);
  g_mutex_lock (&desktop.lock);
  g_assert_true (find (words, &index));
  line = g_strdup (g_ptr_array_index (desktop.lines, index));
  g_ptr_array_remove_range (desktop.lines, 0, index + 1);
  g_mutex_unlock (&desktop.lock);
  return line;
}

void
desktop_test_await (const char *words)
{
  g_autofree char *line G_GNUC_UNUSED = desktop_test_wait (words);
}

void
desktop_test_cancel_job (void)
{
  g_dbus_connection_emit_signal (desktop.connection, NULL, JOB_PATH, "org.kde.JobViewV3", "cancelRequested", NULL,
                                 NULL);
}

/* ---- a process of its own ---- */

static void
run_apart (gconstpointer data)
{
  void (*test) (void) = (void (*) (void)) (gsize) data;
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");

  if (!gtk_is_initialized () || daemon == NULL)
    {
      g_test_skip ("There is no display, or no dbus-daemon");
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

void
desktop_test_add (const char *path, void (*test) (void))
{
  g_test_add_data_func (path, (gconstpointer) (gsize) test, run_apart);
}
