/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: route/ferry-latency.c
 *
 * The router follows the system's power profile, which a service on a bus of this test's own tells. */

#include "config.h"

#include <sched.h>

#include "route/route-test.h"

#define N_CONVERSED 5000

/* The service has had both names. */
static const char *const names[] = {"net.hadess.PowerProfiles", "org.freedesktop.UPower.PowerProfiles"};

typedef struct
{
  GTestDBus *bus;          /* (owned) */
  GDBusConnection *server; /* (owned) */
  const char *profile;
  FerryRouter *router; /* (owned) */
  FerryTestPipe *pipe; /* (owned) */
} Scene;

static GVariant *
get_property (GDBusConnection *connection, const char *sender, const char *path, const char *interface,
              const char *property, GError **error, gpointer data)
{
  return g_variant_new_string (((Scene *) data)->profile);
}

static void
publish (Scene *self, const char *name)
{
  static const GDBusInterfaceVTable table = {.get_property = get_property};
  g_autofree char *xml = g_strdup_printf (
    "<node><interface name='%s'><property name='ActiveProfile' type='s' access='read'/></interface></node>", name);
  g_autofree char *path = g_strdelimit (g_strconcat ("/", name, NULL), ".", '/');
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (xml, NULL);
  g_autoptr (GError) error = NULL;

  g_dbus_connection_register_object (self->server, path, node->interfaces[0], &table, self, NULL, &error);
  g_assert_no_error (error);
  g_bus_own_name_on_connection (self->server, name, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, NULL, NULL);
}

static void
set_profile (Scene *self, const char *profile)
{
  self->profile = profile;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = g_strdelimit (g_strconcat ("/", names[i], NULL), ".", '/');
      g_autoptr (GError) error = NULL;

      g_dbus_connection_emit_signal (self->server, NULL, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                     g_variant_new_parsed ("(%s, {'ActiveProfile': <%s>}, @as [])", names[i], profile),
                                     &error);
      g_assert_no_error (error);
    }
}

static void
open_bus (Scene *self)
{
  g_autoptr (GError) error = NULL;

  self->bus = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (self->bus);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address (self->bus), TRUE);
  self->server = g_dbus_connection_new_for_address_sync (
    g_test_dbus_get_bus_address (self->bus),
    G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION, NULL, NULL, &error);
  g_assert_no_error (error);
  self->profile = "power-saver";
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    publish (self, names[i]);
}

/* ---- a conversation ---- */

static void
converse_until (Scene *self, FerryCondition condition)
{
  self->pipe = route_test_started_pipe (self->router);
  route_test_converse_until (self->pipe, condition, self);
  g_clear_pointer (&self->pipe, ferry_test_pipe_free);
}

static gboolean
has_conversed (gpointer data)
{
  return ferry_test_get_number (((Scene *) data)->pipe->receiver, "n-messages") > N_CONVERSED;
}

static gboolean
has_spun (gpointer data)
{
  return ferry_router_get_counter (((Scene *) data)->router, FERRY_COUNTER_SPIN_TIME) > 0;
}

static gboolean
saves_power (gpointer monitor)
{
  return g_power_profile_monitor_get_power_saver_enabled (monitor);
}

static void
follows_the_power_profile (void)
{
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");
  g_autoptr (GPowerProfileMonitor) power = NULL;
  g_autoptr (GError) error = NULL;
  Scene self = {NULL};

  if (daemon == NULL || ferry_get_n_usable_cores () == 1)
    {
      g_test_skip ("This needs dbus-daemon and two cores");
      return;
    }
  open_bus (&self);
  power = g_power_profile_monitor_dup_default ();
  self.router = ferry_router_new (NULL);
  ferry_router_start (self.router, &error);
  g_assert_no_error (error);
  ferry_test_run_until (saves_power, power);
  converse_until (&self, has_conversed);
  g_assert_false (has_spun (&self));
  set_profile (&self, "balanced");
  converse_until (&self, has_spun);
  ferry_test_router_stop (self.router);
  g_object_unref (self.server);
  g_test_dbus_stop (self.bus);
  g_object_unref (self.bus);
}

/* Returns the cores that this thread could use before. */
static cpu_set_t
bind_to_one_core (void)
{
  cpu_set_t all, one;

  g_assert_cmpint (sched_getaffinity (0, sizeof all, &all), ==, 0);
  CPU_ZERO (&one);
  for (int i = 0; CPU_COUNT (&one) == 0; i++)
    if (CPU_ISSET (i, &all))
      CPU_SET (i, &one);
  g_assert_cmpint (sched_setaffinity (0, sizeof one, &one), ==, 0);
  return all;
}

/* The count of cores is that of the moment when the router starts. */
static void
does_not_spin_on_one_core (void)
{
  Scene self = {NULL};
  cpu_set_t all = bind_to_one_core ();

  self.router = ferry_test_router_new ();
  g_assert_cmpint (sched_setaffinity (0, sizeof all, &all), ==, 0);
  converse_until (&self, has_conversed);
  g_assert_false (has_spun (&self));
  ferry_test_router_stop (self.router);
}

/* A thread may be bound to one core, and the worker to another. */
static void
spins_where_its_thread_is_bound_to_one_core (void)
{
  Scene self = {NULL};
  g_autoptr (GError) error = NULL;
  cpu_set_t all;

  if (ferry_get_n_usable_cores () == 1)
    {
      g_test_skip ("This needs two cores");
      return;
    }
  /* The monitor does not spin. */
  self.router = ferry_test_router_new_stopped (NULL);
  self.router->by_monitor = FALSE;
  ferry_router_start (self.router, &error);
  g_assert_no_error (error);
  all = bind_to_one_core ();
  converse_until (&self, has_spun);
  g_assert_cmpint (sched_setaffinity (0, sizeof all, &all), ==, 0);
  ferry_test_router_stop (self.router);
}

int
main (int argc, char **argv)
{
  route_test_init (&argc, &argv);
  g_test_add_func ("/latency/does-not-spin-on-one-core", does_not_spin_on_one_core);
  g_test_add_func ("/latency/spins-where-its-thread-is-bound-to-one-core", spins_where_its_thread_is_bound_to_one_core);
  /* The last one: GLib ends a process when its bus has gone. */
  g_test_add_func ("/latency/follows-the-power-profile", follows_the_power_profile);
  return g_test_run ();
}
